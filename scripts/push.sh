#!/bin/sh
# Pushes the image of this commit, so that IMAGE=... at the end is true:
#   1. the commit's tag, once. Is it there already, it stays what it is, and this build's image is not needed;
#   2. everything is fetched back;
#   3. the branch's tag moves onto the same digest, if the branch is still at this commit.
# Prints IMAGE=repository@sha256:... and writes that line to $IMAGE_FILE (image.env), for Jenkins to keep and deploy.
# $REPO is the repository, $ARCH an architecture other than this machine's, $TRIES how often a registry is asked (5).
set -eu

script=push
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh

needs_repository
file=${IMAGE_FILE:-image.env}
rm -f "$file" # a line from an earlier push must not pass for this one's
needs_skopeo
log_in

commit=$(scripts/tags.sh commit)
commit_tag=$(scripts/tags.sh commit-tag)
branch=$(scripts/tags.sh branch)
branch_tag=$(scripts/tags.sh branch-tag)
case $commit_tag in
*-dirty*) die 'the tree has changes that are in no commit, so that nobody could say what was pushed; commit or remove them: git status' ;;
esac

# push_image TAG: dies if what the engine has under this tag is not this commit's.
push_image() {
    built=$("$DOCKER" image inspect -f "{{index .Config.Labels \"$REVISION\"}}" "$repository:$1" 2>/dev/null) ||
        die "$repository:$1 is not built; make build"
    [ "$built" = "$commit" ] || die "$repository:$1 is an image of commit ${built:-unknown}, not of $commit; make build"
    note "pushing $repository:$1"
    insist "$DOCKER" push -q "$repository:$1"
}
not_served() { die "the registry accepted $repository:$1 but does not serve ${2:-it}. After a garbage collection a registry must be restarted; then push again"; }

# Whether the branch has moved on at origin: the image of an older commit must not get its tag. A merge that Jenkins made
# for this build is up to date as long as the pull request is one of its parents. Dies if origin cannot be asked.
branch_moved_on() {
    at_origin=''
    git remote get-url origin >/dev/null 2>&1 || return 1
    case $branch_tag in pr-*) ref=refs/$branch/head ;; *) ref=refs/heads/$branch ;; esac
    # ls-remote takes patterns. Git refuses their characters in names, but BRANCH may say anything.
    case $ref in *[*?[\\]*) return 1 ;; esac
    insist git ls-remote origin "$ref" || die "git cannot ask origin where $branch is, so its tag stays where it is; \`git ls-remote origin\` has to work for who pushes: $why"
    at_origin=$(printf '%s\n' "$said" | awk -v ref="$ref" '$2 == ref { print $1 }')
    [ -n "$at_origin" ] || { note "origin has no $branch; its tag moves without asking"; return 1; }
    mine=$commit
    [ -n "$commit_tag" ] || mine=$(git rev-parse 'HEAD^@')
    ! printf '%s\n' "$mine" | grep -qx "$at_origin"
}
stays() { note "$repository:$branch_tag stays where it is: at origin $branch is $(printf '%.8s' "$at_origin"), not this commit"; }

if [ -n "$commit_tag" ]; then
    tag=$commit_tag
    digest_of "$tag"
    if [ -n "$digest" ]; then
        note "$repository:$tag is there already and stays what it is"
    else
        failure=''
        push_image "$tag" || failure=$why
        # Asked even after a failure: another build of this commit may have been faster, and a commit's tag never changes.
        digest_of "$tag"
        [ -n "$digest" ] || [ -z "$failure" ] || die "$repository:$tag could not be pushed: $failure"
        [ -n "$digest" ] || not_served "$tag"
    fi
    label_of "$digest" "$REVISION"
    [ "$label" = "$commit" ] ||
        die "$repository:$tag is commit ${label:-unknown}, not $commit: their first 8 digits are the same, or somebody else pushed it"
else
    tag=$branch_tag
    [ -n "$tag" ] || die 'neither a commit nor a branch to name the image after'
    if branch_moved_on; then
        stays
        exit 0
    fi
    push_image "$tag" || die "$repository:$tag could not be pushed: $why"
    digest_of "$tag"
    [ -n "$digest" ] || not_served "$tag"
fi
pushed=$digest
serves "$pushed" || not_served "$tag" "all of $pushed: $why"
note "$repository:$tag is $pushed"

if [ -n "$commit_tag" ] && [ -n "$branch_tag" ]; then
    if branch_moved_on; then
        stays
    else
        point "$branch_tag" "$pushed"
        note "$repository:$branch_tag is $pushed"
    fi
fi
printf 'IMAGE=%s@%s\n' "$repository" "$pushed" | tee "$file"
