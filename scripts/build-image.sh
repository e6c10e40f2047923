#!/bin/sh
# Builds the image of this commit under two names, its hash and its branch, and prints both and the image's id.
# $REPO is the repository, $DOCKERFILE the recipe (Dockerfile, Dockerfile.pilot). PREBUILT=1 compiles here, with this
# machine's cargo, instead of in the image, and PREBUILT=FOLDER takes static binaries from there; ARCH=arm64 or amd64
# builds for another machine, as PREBUILT=1 does, and needs BuildKit. $BUILDER is another image to compile in.
set -eu

script=build
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh

repository=${REPO:?REPO is not set; run make build}
valid_repository "$repository" || die "REPO=$repository is not a repository's name"
dockerfile=${DOCKERFILE:-Dockerfile}

commit=$(scripts/tags.sh commit)
commit_tag=$(scripts/tags.sh commit-tag)
branch=$(scripts/tags.sh branch)
branch_tag=$(scripts/tags.sh branch-tag)
[ -n "$commit_tag$branch_tag" ] || die 'neither a commit nor a branch to name the image after'

context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
trap 'exit 1' HUP INT TERM
# Not the folder itself: files that git ignores lie in it too. Exactly this commit, or all that would be committed now.
tree=HEAD
case $commit_tag in
*-dirty*)
    cp "$(git rev-parse --git-path index)" "$context/.index"
    tree=$(export GIT_INDEX_FILE="$context/.index" && git add -A && git write-tree)
    rm -f "$context/.index"
    ;;
esac
git archive "$tree" | tar -x -C "$context"

# BuildKit of today would add a statement of its own about how the image was made, and the digest would be that of a list
# of two. What make sign attests says more.
export BUILDX_NO_DEFAULT_ATTESTATIONS=1
# podman's own format has no health check.
export BUILDAH_FORMAT=docker
platform=''
if [ -n "${ARCH:-}${PREBUILT:-}" ]; then
    case $dockerfile in *.pilot*) set -- pilot ;; *) set -- pilot app ;; esac
    binaries=${PREBUILT:-1}
    if [ "$binaries" = 1 ]; then
        scripts/build-release.sh "$@"
        binaries=$(scripts/build-release.sh --folder)
    fi
    binaries=$(cd "$binaries" 2>/dev/null && pwd) || die "PREBUILT=$PREBUILT is not a folder with binaries in it"
    # The context's own copy of the script: it looks around where it lies, and here lie files that git ignores.
    "$context/scripts/image-root.sh" "$context/dist" "$binaries" "$@"
    # The recipe's last stage alone, filled from here: one recipe for both ways.
    sed -n '/^FROM scratch/,$p' "$context/$dockerfile" | sed 's#^COPY --from=build /image/ /#COPY dist/ /#' >"$context/Dockerfile.prebuilt"
    dockerfile=Dockerfile.prebuilt
    platform=${ARCH:+linux/$ARCH}
fi

no_image() {
    [ -z "${ARCH:-}" ] || die "there is no image for $ARCH. Docker's old builder cannot make one, BuildKit can: DOCKER_BUILDKIT=1, and docker's plugin buildx"
    die 'there is no image; what docker says is above'
}

# Docker's tags, and labels that come last: what is built before them stays in the cache from commit to commit.
set --
for tag in "$commit_tag" "$branch_tag"; do
    [ -z "$tag" ] || set -- "$@" --tag "$repository:$tag"
done
[ -z "$platform" ] || set -- "$@" --platform "$platform"
[ -z "${BUILDER:-}" ] || set -- "$@" --build-arg "BUILDER=$BUILDER"
[ "$dockerfile" = Dockerfile.prebuilt ] || set -- "$@" --build-arg "GIT_HASH=$commit"
source=$(git remote get-url origin 2>/dev/null || true)
case $source in *://*@*) source=${source%%://*}://${source#*@} ;; esac # without a login
OCI=org.opencontainers.image
"$DOCKER" build --file "$context/$dockerfile" "$@" \
    --label "$REVISION=$commit" \
    --label "$OCI.version=${commit_tag:-$branch_tag}" \
    --label "$OCI.ref.name=$branch" \
    --label "$OCI.created=$(git log -1 --format=%cI)" \
    --label "$OCI.source=$source" \
    "$context" >&2 || no_image

# What it made, under its names.
set --
for tag in "$commit_tag" "$branch_tag"; do
    [ -z "$tag" ] || set -- "$@" "$repository:$tag"
done
made=$("$DOCKER" image inspect -f '{{.Architecture}}' "$1")
if [ "$made" != "${ARCH:-$made}" ]; then
    # Out of its cache the old builder takes one for this machine; nobody must find that under these names.
    "$DOCKER" image rm "$@" >/dev/null
    no_image
fi
for name; do note "$name"; done
"$DOCKER" image inspect -f '{{.Id}}' "$1"
