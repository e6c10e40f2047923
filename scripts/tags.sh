#!/bin/sh
# What an image of this checkout is called. The one place that knows: build, push, release and the stacks all ask here.
#
#   scripts/tags.sh             everything, for people
#   scripts/tags.sh commit      the 40 hex digits of HEAD
#   scripts/tags.sh commit-tag  the first 8 of them; `-dirty` behind it if the tree is not clean; empty if HEAD is a merge
#                               that only Jenkins has (a tag must not claim a commit that was not built)
#   scripts/tags.sh branch      the branch as git calls it, or pull/N; empty if nobody says
#   scripts/tags.sh branch-tag  the same as a tag: pr-N for pull requests
#   scripts/tags.sh stack       the same as the name of a stack: two branches never share one
#
# $ARCH is appended to tags: an image for another machine than the usual one has names of its own.
#
# A branch name is written by whoever opens a pull request. It is only ever data here: never expanded by make, never read
# as a command, never part of a pattern.
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")/.."

full_hash() { case $1 in *[!0-9a-f]*) false ;; *) [ ${#1} -eq 40 ] ;; esac }
number() { case $1 in '' | *[!0-9]*) false ;; esac }

# The pull request's number, if this is one.
pull_request() {
    for candidate in "${ghprbPullId:-}" "${CHANGE_ID:-}"; do
        if number "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
}

arch=${ARCH:-}
case $arch in
'' | amd64 | arm64) suffix=${arch:+-$arch} ;;
*)
    echo "tags: ARCH=$arch is not amd64 or arm64" >&2
    exit 2
    ;;
esac

commit() { git rev-parse --verify -q 'HEAD^{commit}' || { echo 'tags: no commit here yet' >&2; return 1; }; }

# Whether HEAD is a merge that Jenkins made for this build, or GitHub as a preview: it is in nobody's history.
passing_merge() {
    if full_hash "${ghprbActualCommit:-}"; then
        [ "$ghprbActualCommit" != "$1" ]
    elif [ -n "$(pull_request)" ] && git rev-parse --verify -q 'HEAD^2' >/dev/null; then
        # A merge that the author made is the tip of a branch that was fetched; Jenkins' own is not.
        [ -z "$(git for-each-ref --count=1 --contains HEAD refs/remotes)" ]
    else
        return 1
    fi
}

commit_tag() {
    commit=$(commit)
    ! passing_merge "$commit" || return 0
    # Not `git describe --dirty`: it does not see files that git does not know, and they are in the image's context.
    changes=$(git status --porcelain)
    printf '%.8s%s%s' "$commit" "${changes:+-dirty}" "$suffix"
}

branch() {
    pull=$(pull_request)
    if [ -n "${BRANCH:-}" ]; then
        printf '%s' "$BRANCH"
    elif [ -n "$pull" ]; then
        # Never the branch that it comes from: a fork's branch may be called master.
        printf 'pull/%s' "$pull"
    elif [ -n "${BRANCH_NAME:-}" ]; then
        printf '%s' "$BRANCH_NAME"
    else
        name=${GIT_BRANCH:-}
        name=${name#refs/remotes/}
        name=${name#refs/heads/}
        name=${name#origin/}
        [ "$name" != detached ] && [ "$name" != HEAD ] || name=''
        [ -n "$name" ] || name=$(git symbolic-ref --short -q HEAD || true)
        printf '%s' "$name"
    fi
}

# What a registry takes as a tag: [A-Za-z0-9_][A-Za-z0-9_.-]{0,127}. Lines are joined first, for sed sees one at a time.
allowed() { printf '%s' "$1" | tr '\n' '/' | sed -E 's/[^A-Za-z0-9_.-]+/-/g; s/^[.-]+//' | cut -b 1-128; }

# Names that mean something else: a commit, a release, a pull request, a signature, what runs somewhere, "the newest".
reserved() {
    printf '%s' "$1" |
        grep -Eq '^(latest|[0-9a-f]{7,40}(-dirty)?(-amd64|-arm64)?|v?[0-9]+(\.[0-9]+)+([-+._].*)?|pr-[0-9]+(-amd64|-arm64)?|sha256-.*|deployed-.*)$'
}

branch_tag() {
    name=$(branch)
    [ -n "$name" ] || return 0
    pull=$(pull_request)
    if [ -n "$pull" ] && [ "$name" = "pull/$pull" ]; then
        printf 'pr-%s%s' "$pull" "$suffix"
        return
    fi
    tag=$(allowed "$name")
    [ -n "$tag" ] || tag=branch
    ! reserved "$tag" || tag=branch-$tag
    printf '%s%s' "$(printf '%s' "$tag" | cut -b "1-$((128 - ${#suffix}))")" "$suffix"
}

# Small letters, digits and dashes, not longer than 40. Part of a hash of the real name as soon as something was changed,
# and if the real name looks as if that had been done.
stack() {
    name=$(branch)
    [ -n "$name" ] || return 0
    plain=$(suffix='' && branch_tag | tr 'A-Z_.' 'a-z--' | sed -E 's/-+/-/g; s/^-//; s/-$//; s/^([0-9])/b-\1/' | cut -b 1-32)
    plain=${plain%-}
    case $plain in
    *-[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]) ;;
    "$name" | "pr-${name#pull/}")
        printf '%s' "$plain"
        return
        ;;
    esac
    hash=$(printf '%s' "$name" | sha256sum)
    printf '%s-%.6s' "${plain:-branch}" "$hash"
}

case ${1:-all} in
all)
    answer=$(commit)
    printf 'commit      %s\n' "$answer"
    printf 'commit tag  %s\n' "$(commit_tag)"
    printf 'branch      %s\n' "$(branch)"
    printf 'branch tag  %s\n' "$(branch_tag)"
    printf 'stack       %s\n' "$(stack)"
    exit
    ;;
commit) answer=$(commit) ;;
commit-tag) answer=$(commit_tag) ;;
branch) answer=$(branch) ;;
branch-tag) answer=$(branch_tag) ;;
stack) answer=$(stack) ;;
*)
    echo "usage: scripts/tags.sh [commit|commit-tag|branch|branch-tag|stack]" >&2
    exit 2
    ;;
esac
printf '%s\n' "$answer"
