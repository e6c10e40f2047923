#!/bin/sh
# Requests that fail while instances of the app are replaced behind nginx and HAProxy: pilot beside ContainerPilot's order and
# tini, as one table; exits 1 when one failed with pilot. BENCH_SECONDS (60) is the length of each of the six runs.
set -eu

cd "$(dirname "$0")/.."
folder=$(scripts/build-release.sh --folder)
case $folder in /*) ;; *) folder=$PWD/$folder ;; esac

scripts/install-tools.sh bench-drain
scripts/build-release.sh pilot app
cargo build --locked -p pilot-tests --bin pilot-bench-drain
programs=${CARGO_TARGET_DIR:-target}/debug

PILOT_BIN=$folder/pilot APP_BIN=$folder/app exec "$programs/pilot-bench-drain"
