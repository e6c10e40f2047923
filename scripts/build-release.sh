#!/bin/sh
# Builds the binaries that ship: static, stripped, without this machine's paths.
# `pilot` alone or `app` alone as argument builds just that one; `--folder` says where they go and builds nothing.
# ARCH=amd64 or arm64 builds for another machine than this one. Arguments to cargo in $CARGO_FLAGS come last.
set -eu

cd "$(dirname "$0")/.."
arch=${ARCH:-$(uname -m)}
case $arch in
amd64 | x86_64) arch=amd64 target=x86_64-unknown-linux-musl ;;
arm64 | aarch64) arch=arm64 target=aarch64-unknown-linux-musl ;;
*)
    echo "build-release: no static binaries for $arch, only for amd64 and arm64" >&2
    exit 1
    ;;
esac
folder=${CARGO_TARGET_DIR:-target}/$target/release
if [ "${1:-}" = --folder ]; then
    echo "$folder"
    exit
fi
# Panic messages name source files; they need not name this machine's folders.
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/src"
export RUSTFLAGS

if [ "$target" != "$(uname -m)-unknown-linux-musl" ]; then
    # Rust brings musl and a linker. The C in ring and SQLite needs a compiler for that machine, and musl's headers: glibc's
    # have names for large files that musl does not know.
    gcc=${target%%-*}-linux-gnu-gcc
    headers=$PWD/.tools/musl-$arch/usr/include/${target%%-*}-linux-musl
    command -v "$gcc" >/dev/null && [ -d "$headers" ] || {
        echo "build-release: $gcc or musl's headers for $arch are missing: scripts/install-tools.sh cross" >&2
        exit 1
    }
    flags="-nostdinc -isystem $("$gcc" -print-file-name=include) -isystem $headers"
    case $target in
    x86_64-*) export CC_x86_64_unknown_linux_musl="$gcc" CFLAGS_x86_64_unknown_linux_musl="$flags" CARGO_TARGET_X86_64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld ;;
    aarch64-*) export CC_aarch64_unknown_linux_musl="$gcc" CFLAGS_aarch64_unknown_linux_musl="$flags" CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld ;;
    esac
fi

[ $# -gt 0 ] || set -- pilot app
# One package a build: together their dependencies' features would be united, and pilot would carry SQLite.
for name in "$@"; do
    # pilot is linked for one address: nothing in it needs correction at its start (docs/development/decisions/fixed-address.md).
    case $name in pilot) place='-C relocation-model=static' ;; *) place='' ;; esac
    # shellcheck disable=SC2086  # lists of arguments
    cargo rustc --release --locked --target "$target" -p "$name" --bin "$name" ${CARGO_FLAGS:-} -- $place
    size=$(stat -c %s "$folder/$name")
    echo "$folder/$name: $size bytes"
    if [ "$name" = pilot ] && [ -z "${CARGO_FLAGS:-}" ] && [ "$size" -ge 8000000 ]; then
        echo "build-release: pilot has to stay under 8,000,000 bytes; nm --size-sort tells what takes them (CARGO_PROFILE_RELEASE_STRIP=none)" >&2
        exit 1
    fi
done
