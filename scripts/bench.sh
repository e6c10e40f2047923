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

# Installed like the peers, by writing the files: what the linker left in the page cache is there in single small pages,
# and mapping those costs pilot 0.2 ms at every start that it does not cost an installed pilot.
installed=$folder/installed
rm -rf "$installed"
mkdir "$installed"
cp "$folder/pilot" "$folder/pilot-fixture" "$folder/pilot-bench" "$installed"

PILOT_BIN=$installed/pilot PILOT_FIXTURE=$installed/pilot-fixture exec "$installed/pilot-bench" "$@"
