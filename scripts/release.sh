#!/bin/sh
# Gives a version's name to an image that is in the registry already, so that nothing is built again:
#   make release VERSION=1.2.3                          the image of this commit
#   make release VERSION=1.2.3 IMAGE=repo@sha256:...    this image
# A version is given once. Asked again for the same image it says so and is content; for another image it refuses.
# With ARCH=arm64 the name is 1.2.3-arm64: the image for another architecture has a name of its own here too.
set -eu

script=release
cd "$(dirname "$0")/.."
# shellcheck source=scripts/registry.sh
. scripts/registry.sh

version=${VERSION:-}
printf '%s\n' "$version" | grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?' && [ "${#version}" -le 128 ] ||
    die "VERSION=$version is not a version such as 1.2.3 or 1.2.3-rc.1"
version=$version${ARCH:+-$ARCH}
needs_skopeo
if [ -n "${IMAGE:-}" ]; then
    read_image "$IMAGE"
    log_in
else
    needs_repository
    log_in
    tag=$(scripts/tags.sh commit-tag)
    case $tag in
    '' | *-dirty*) die 'this tree is not a commit whose image could be released; name one: IMAGE=repository@sha256:...' ;;
    esac
    digest_of "$tag"
    [ -n "$digest" ] || die "the registry has no $repository:$tag; make push"
    image=$digest
fi
digest_of "$image"
[ -n "$digest" ] || die "the registry has no $repository@$image"

digest_of "$version"
if [ "$digest" = "$image" ]; then
    note "$repository:$version is $image already"
elif [ -n "$digest" ]; then
    die "$repository:$version is another image already ($digest); a version is given once"
else
    point "$version" "$image"
    note "$repository:$version is $image"
fi
printf 'IMAGE=%s@%s\n' "$repository" "$image"
