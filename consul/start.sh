#!/bin/sh
# Runs Consul: `start.sh server` or `start.sh agent`. pilot calls it (server.json5, agent.json5).
#
# What differs from machine to machine comes from the environment:
#   CONSUL_JOIN        where the servers are, with commas: 10.0.0.11,10.0.0.12,10.0.0.13 or names; needed
#   CONSUL_NODE        this machine's name in the cluster; CONSUL_NODE_PREFIX, a dash and its host name unless given
#   CONSUL_NODE_PREFIX server or agent, as the role. A token may only speak for names that begin so (acl/server.hcl,
#                      acl/agent.hcl, acl/review-agent.hcl)
#   CONSUL_DATACENTER  dc1
#   CONSUL_ADVERTISE   the address that others reach it by. Unless given: in ECS the task's, as its metadata says; elsewhere
#                      its only private one. Never a link-local one: every Fargate task has 169.254.172.2 on eth0
#   CONSUL_STATE       folder of what it must not forget; /consul/state
#   CONSUL_SECRETS     folder of the secrets that make-secrets.sh has made for this role; /run/pilot/secrets
#
# Where secrets come as variables (ECS), they are put into that folder first: CONSUL_CONFIG (config.json), CONSUL_CA_PEM,
# and for a server CONSUL_CERT_PEM and CONSUL_KEY_PEM. None is ever an argument: anybody on a machine can read those.
set -eu
umask 077

role=${1:-}
case $role in server | agent) ;; *) echo "usage: $0 server|agent" >&2; exit 2 ;; esac
here=$(cd "$(dirname "$0")" && pwd)
state=${CONSUL_STATE:-/consul/state}
secrets=${CONSUL_SECRETS:-/run/pilot/secrets}

fail() { echo "consul/start.sh: $*" >&2; exit 1; }

[ -n "${CONSUL_JOIN:-}" ] || fail 'CONSUL_JOIN is not set: the addresses of the servers, with commas'
command -v consul >/dev/null || fail 'there is no consul on PATH'
mkdir -p "$state" "$secrets"
cd "$secrets" # the certificates' names in the .hcl files are meant from here

# keep FILE NAME-OF-VARIABLE CONTENT
keep() {
    if [ -n "$3" ]; then printf '%s\n' "$3" >"$1"; fi
    [ -s "$1" ] || fail "$secrets/$1 is missing: put it there or set $2 (consul/make-secrets.sh makes it)"
}
keep config.json CONSUL_CONFIG "${CONSUL_CONFIG:-}"
keep ca.pem CONSUL_CA_PEM "${CONSUL_CA_PEM:-}"
if [ "$role" = server ]; then
    keep server.pem CONSUL_CERT_PEM "${CONSUL_CERT_PEM:-}"
    keep server-key.pem CONSUL_KEY_PEM "${CONSUL_KEY_PEM:-}"
fi
unset CONSUL_CONFIG CONSUL_CA_PEM CONSUL_CERT_PEM CONSUL_KEY_PEM CONSUL_TOKENS CONSUL_HTTP_TOKEN

# The task's own address, by ECS' container metadata: {..., "Networks": [{..., "IPv4Addresses": ["10.20.16.7"], ...}]}. It is
# there before the containers are, so a few attempts are enough; without an answer the rule below still holds.
address_of_task() {
    command -v curl >/dev/null || return 0
    curl -sSf --max-time 2 --retry 3 --retry-connrefused --max-filesize 1000000 "$ECS_CONTAINER_METADATA_URI_V4" 2>/dev/null |
        tr -d ' \n' | sed -n 's/.*"IPv4Addresses":\["\([0-9.]*\)".*/\1/p'
}
advertise=${CONSUL_ADVERTISE:-}
if [ -z "$advertise" ] && [ -n "${ECS_CONTAINER_METADATA_URI_V4:-}" ]; then advertise=$(address_of_task); fi
# go-sockaddr, which Consul evaluates: with two private addresses left it refuses to start, and says so.
[ -n "$advertise" ] ||
    advertise='{{ GetPrivateInterfaces | include "type" "IPv4" | exclude "network" "169.254.0.0/16" | join "address" " " }}'

node=${CONSUL_NODE:-${CONSUL_NODE_PREFIX:-$role}-$(hostname | tr . -)}
set -- "-config-file=$here/$role.hcl" -config-file=config.json "-data-dir=$state" "-node=$node" \
    "-datacenter=${CONSUL_DATACENTER:-dc1}" "-advertise=$advertise"
for address in $(echo "$CONSUL_JOIN" | tr ',' ' '); do
    set -- "$@" "-retry-join=$address"
done
date +%s >"$state/started" # for health.sh
exec consul agent "$@"
