#!/bin/sh
# `make run`: pilot runs app on SQLite, without Consul, MySQL or root. Ctrl-C ends it.
set -eu

cd "$(dirname "$0")/.."
echo "building pilot and app (the first time this takes some minutes)"
cargo build -q -p pilot
cargo build -q -p app
folder=${CARGO_TARGET_DIR:-target}/debug
mkdir -p .demo
APP=$(realpath "$folder/app")
PORT=${PORT:-5000}
SQLITE_FILE=${SQLITE_FILE:-$PWD/.demo/app.sqlite}
export APP PORT SQLITE_FILE
unset DB_HOST
printf 'the application: http://127.0.0.1:%s   its users: %s   Ctrl-C ends it\n' "$PORT" "$SQLITE_FILE"
exec "$folder/pilot" -config demo/run.json5
