#!/bin/sh
# Saves a snapshot of the whole catalog (services, keys, ACLs with all their tokens) and keeps the last ones. Run by pilot
# on each server; an odd one is taken by `snapshot.sh` as well.
#   CONSUL_SNAPSHOTS       folder; /consul/snapshots
#   CONSUL_SNAPSHOTS_KEEP  48
# The token: CONSUL_HTTP_TOKEN, or the file snapshot.token of the secrets' folder.
set -eu
umask 077

folder=${CONSUL_SNAPSHOTS:-/consul/snapshots}
token=${CONSUL_SECRETS:-/run/pilot/secrets}/snapshot.token
if [ -z "${CONSUL_HTTP_TOKEN:-}" ] && [ -s "$token" ]; then
    export CONSUL_HTTP_TOKEN_FILE="$token"
fi
mkdir -p "$folder"
name=$folder/$(date -u +%Y-%m-%dT%H.%M.%SZ).snap
trap 'rm -f "$name".new*' EXIT

# Soon after a start there may be no leader yet, or no token.
tries=0
until said=$(consul snapshot save "$name.new" 2>&1); do
    tries=$((tries + 1))
    if [ "$tries" -ge 300 ]; then
        printf 'snapshot: none was taken: %s\n' "$said" >&2
        exit 1
    fi
    sleep 2
done
consul snapshot inspect "$name.new" >/dev/null # a broken one must not push out a good one
mv "$name.new" "$name"

# The names sort by time, so the oldest come first.
set -- "$folder"/*.snap
while [ $# -gt "${CONSUL_SNAPSHOTS_KEEP:-48}" ]; do
    rm -f "$1"
    shift
done
echo "snapshot: $name, one of $#"
