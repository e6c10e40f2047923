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

# Compact relocations: 0.3 MB less of the file. musl's start code knows them; a linker that does not warns and goes on.
link() {
    name=$1
    shift
    # shellcheck disable=SC2086  # a list of arguments
    cargo rustc --release --locked --target "$target" -p "$name" --bin "$name" ${CARGO_FLAGS:-} -- \
        -C link-arg=-Wl,-z,pack-relative-relocs "$@"
}

# pilot is linked twice: once to see which functions it starts with, once with them side by side.
link_in_order() {
    order=$PWD/$folder/startup.ld
    case $folder in /*) order=$folder/startup.ld ;; esac
    if [ "$target" = "$(uname -m)-unknown-linux-musl" ] && command -v valgrind >/dev/null; then
        link pilot -C strip=none
        scripts/startup-order.sh "$folder/pilot" "$order"
    else
        # Of a build for this machine, if there was one: the names differ in nothing but what the script leaves out.
        native=${CARGO_TARGET_DIR:-target}/$(uname -m)-unknown-linux-musl/release/startup.ld
        if [ ! -f "$native" ]; then
            echo "build-release: pilot's functions stay in the compiler's order, which takes 1.5 MB more of memory at run time: no valgrind here, or another machine's binary" >&2
            link pilot
            return
        fi
        [ "$native" -ef "$order" ] || cp "$native" "$order"
    fi
    link pilot -C "link-arg=-T$order" -C "link-arg=-Wl,-Map=$order.map"
    wanted=$(grep -c '^  \*(' "$order")
    # The sections that the linker put there, with the parts of their names left out that startup-order.sh leaves out.
    placed=$(awk '/^\.text\.startup_order/ { inside = 1; next } inside && /^\.[a-z]/ { exit } inside && /^ \.text\./ { print $1 }' "$order.map" |
        sed -e 's/17h[0-9a-f]*E.*/17h*/' -e '/^\.text\._R/{s/Cs[0-9A-Za-z]*_/Cs*_/g;s/[.]llvm[.].*/*/;}' -e 's/.*/  *(&)/' |
        sort -u | grep -cFxf "$order" || true)
    echo "build-release: the linker found $placed of $wanted functions that a start runs"
    if [ "$((placed * 10))" -lt "$((wanted * 9))" ]; then
        echo "build-release: fewer than nine of ten were found by the linker: see scripts/startup-order.sh, $order and $order.map" >&2
        exit 1
    fi
}

[ $# -gt 0 ] || set -- pilot app
# One package a build: together their dependencies' features would be united, and pilot would carry SQLite.
for name in "$@"; do
    case $name in pilot) link_in_order ;; *) link "$name" ;; esac
    scripts/check-binary.sh "$folder/$name"
    size=$(stat -c %s "$folder/$name")
    echo "$folder/$name: $size bytes"
    if [ "$name" = pilot ] && [ -z "${CARGO_FLAGS:-}" ] && [ "$size" -ge 8000000 ]; then
        echo "build-release: pilot has to stay under 8,000,000 bytes; nm --size-sort tells what takes them (CARGO_PROFILE_RELEASE_STRIP=none)" >&2
        exit 1
    fi
done
