#!/bin/sh
# What may be deployed: one image by its digest, of a commit that master has.
#   scripts/deploy.sh          to production, ENVIRONMENT=staging to staging
#   scripts/deploy.sh branch   to the stack of this checkout's branch; master's is production. The commit is one that it has
#
#   IMAGE=repo@sha256:... make deploy    this image
#   TAG=githash make deploy              what the registry has under a commit's tag, by its digest from here on
#   make deploy                          the newest commit of this checkout that has been pushed, of the last 20
# The digest goes to scripts/stack.sh, which knows the stacks, migrates, waits, and proves what runs. BACK=1 lets it go back
# to an older commit. That there was nothing to do is no failure here: Jenkins asks after every build.
set -eu

script=deploy
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh

case ${1:-} in
'') BRANCH=master ;;
branch)
    script=update-stack
    BRANCH=$(scripts/tags.sh branch)
    ;;
*) die "$1 is not \`branch\`; without an argument it deploys to production" ;;
esac
export BRANCH

needs_skopeo
if [ -n "${IMAGE:-}" ]; then
    read_image "$IMAGE"
    log_in
    # `app` is the Makefile's default: nobody has said what the repository is.
    case ${REPO:-app} in app | "$repository") ;; *) die "IMAGE is of $repository, and deployments are of $REPO" ;; esac
else
    needs_repository
    log_in
    # Only the commits of the branch itself: those that came with a merge were never built as its head.
    for tag in ${TAG:-$(git rev-list --first-parent --max-count=20 HEAD | cut -b 1-8)}; do
        printf '%s\n' "$tag" | grep -Eqx '[0-9a-f]{8}|[0-9a-f]{40}' ||
            die "$tag is not a commit's tag (8 hex digits, or all 40). Mutable tags, such as a branch's, are not deployed"
        digest_of "$(printf '%.8s' "$tag")"
        [ -z "$digest" ] || break
    done
    [ -n "$digest" ] || die "the registry has no image of ${TAG:-one of the last 20 commits} in $repository"
    image=$digest
fi
label_of "$image" "$REVISION"
case $BRANCH in master) mainline=${MAINLINE:-origin/master} ;; *) mainline=HEAD ;; esac
git rev-parse -q --verify "$mainline^{commit}" >/dev/null || die "this checkout has no $mainline to compare with (MAINLINE=)"
git merge-base --is-ancestor "$label" "$mainline" 2>/dev/null ||
    die "$repository@$image was built from commit ${label:-unknown}, which $mainline does not have"

note "deploying $repository@$image, commit $label"
code=0
COMMIT=$label scripts/stack.sh image "$repository@$image" || code=$?
[ "$code" -ne 3 ] || code=0
exit "$code"
