#!/bin/sh
# Builds the binaries that ship: static, stripped, without this machine's paths.
# `pilot` alone or `app` alone as argument builds just that one.
set -eu

cd "$(dirname "$0")/.."
target=x86_64-unknown-linux-musl
folder=${CARGO_TARGET_DIR:-target}/$target/release
# Panic messages name source files; they need not name this machine's folders.
RUSTFLAGS="${RUSTFLAGS:-} --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo --remap-path-prefix=$PWD=/src"
export RUSTFLAGS

[ $# -gt 0 ] || set -- pilot app
# One package a build: together their dependencies' features would be united, and pilot would carry SQLite.
for name in "$@"; do
    cargo build --release --locked --target "$target" -p "$name"
    stat -c '%n: %s bytes' "$folder/$name"
done
