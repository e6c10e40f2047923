#!/bin/sh
# Writes anew the parts of docs/ that are made from the code. The same tests, without PILOT_WRITE, hold them against it.
set -eu

cd "$(dirname "$0")/.."
PILOT_WRITE=1 cargo test -q -p pilot-config -p pilot --lib up_to_date
git status --short docs
