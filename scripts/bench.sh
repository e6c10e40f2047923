#!/bin/sh
# pilot beside tini, dumb-init, s6 and supervisord, as one table; exits 1 when pilot misses a target that decides.
# Names of measurements as arguments measure just those: scripts/bench.sh start output.
set -eu

cd "$(dirname "$0")/.."
PATH=$PATH:$PWD/.tools/consul/usr/bin
export PATH
target=x86_64-unknown-linux-musl
folder=${CARGO_TARGET_DIR:-target}
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac
folder=$folder/$target/release

scripts/install-tools.sh bench
scripts/build-release.sh pilot
# Static too: what a job costs until its first instruction is to be small beside what a supervisor costs.
cargo build --release --locked --target "$target" -p pilot-tests --bin pilot-bench --bin pilot-fixture

PILOT_BIN=$folder/pilot PILOT_FIXTURE=$folder/pilot-fixture exec "$folder/pilot-bench" "$@"
