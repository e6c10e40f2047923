#!/bin/sh
# The slow checks of the images: built from source by both builders, cross-built and emulated, the whole system by compose.
# Makes its own base images from Debian packages; needs root and about 15 GB for a while. Words after it go to nextest.
set -eu

cd "$(dirname "$0")/.."
scripts/install-tools.sh test test-images
target=$(uname -m)-unknown-linux-musl
folder=${CARGO_TARGET_DIR:-target}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
cargo build -q -p pilot --target "$target"
cargo build -q -p app --target "$target"
[ $# -gt 0 ] || set -- -E 'binary(delivery) & test(/^slow::/)'
PATH=$PATH:$PWD/.tools/consul/usr/bin PILOT_BIN=$folder/$target/debug/pilot APP_BIN=$folder/$target/debug/app \
    exec cargo nextest run --profile ci -p pilot-tests --ignore-default-filter --success-output final "$@"
