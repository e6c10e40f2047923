#!/usr/bin/env bash
# `make demo`: app, Consul and MySQL under one pilot, until Ctrl-C.
# `make demo CHECK=1`: the same, tried out by itself (scripts/demo-check.sh), with a verdict.
set -euo pipefail

cd "$(dirname "$0")/.."
scripts/install-tools.sh demo
echo "building pilot and app (the first time this takes some minutes)"
cargo build -q -p pilot
cargo build -q -p app

folder=${CARGO_TARGET_DIR:-target}/debug
export APP DEMO RUN_AS CONSUL_PORT CONSUL_SERVER_PORT CONSUL_SERF_PORT STATUS_PORT APP_PORT
export DB_HOST DB_PORT DB_USER DB_PASSWD_FILE DB_NAME PILOT
PILOT=$(realpath "$folder/pilot")
APP=$(realpath "$folder/app")
DEMO=$PWD/.demo
RUN_AS=$(id -un)
PATH=$PATH:$PWD/.tools/consul/usr/bin:/usr/sbin
CONSUL_PORT=${CONSUL_PORT:-8500}
CONSUL_SERVER_PORT=${CONSUL_SERVER_PORT:-8300}
CONSUL_SERF_PORT=${CONSUL_SERF_PORT:-8301}
STATUS_PORT=${STATUS_PORT:-9090}
APP_PORT=${APP_PORT:-500} # the first digits: 5001 and 5002
DB_HOST=127.0.0.1
DB_PORT=${DB_PORT:-13306}
DB_USER=app
DB_NAME=db
DB_PASSWD_FILE=$DEMO/secret/password
unset DB_PASSWD DB_TLS DB_CA_FILE
mkdir -p "$DEMO"

for port in "$CONSUL_PORT" "$CONSUL_SERVER_PORT" "$CONSUL_SERF_PORT" "$STATUS_PORT" "${APP_PORT}1" "${APP_PORT}2" "$DB_PORT"; do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        echo "port $port is taken: end what uses it, or choose others with CONSUL_PORT, CONSUL_SERVER_PORT," \
            "CONSUL_SERF_PORT, STATUS_PORT, APP_PORT (the digits before 1 and 2) and DB_PORT" >&2
        exit 1
    fi
done

if [ -n "${CHECK:-}" ]; then
    exec scripts/demo-check.sh
fi
exec "$PILOT" -config demo/pilot.json5
