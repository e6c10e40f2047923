#!/bin/sh
# Rewrites what is made from the code: tables, examples' output, schema, completions, manual page, third-party notices.
# The same tests, without PILOT_WRITE, and `make lint` compare them.
set -eu

cd "$(dirname "$0")/.."
PILOT_WRITE=1 cargo test -q -p pilot-config -p pilot --lib up_to_date
scripts/third-party-notices.py
git status --short docs THIRD-PARTY-NOTICES.txt
