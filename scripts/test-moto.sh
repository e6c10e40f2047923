#!/bin/sh
# pilot in and out of a target group of moto's, a second opinion beside our own stand-in of AWS. Minutes only for the build.
# moto is put into .tools/moto when it is not there. PILOT_BIN is another pilot than the one built here.
set -eu

cd "$(dirname "$0")/.."
scripts/install-tools.sh moto
if [ -z "${PILOT_BIN:-}" ]; then
    cargo build -q -p pilot
    PILOT_BIN=${CARGO_TARGET_DIR:-target}/debug/pilot
fi
exec .tools/moto/bin/python tests/moto/second_opinion.py "$PILOT_BIN"
