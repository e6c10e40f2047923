#!/bin/sh
# Runs Consul: `start.sh server` or `start.sh agent`. pilot calls it (server.json5, agent.json5).
#
# What differs from machine to machine comes from the environment:
#   CONSUL_JOIN        where the servers are, with commas: 10.0.0.11,10.0.0.12,10.0.0.13 or names; needed
#   CONSUL_NODE        this machine's name in the cluster; server-... or agent-... and its host name unless given.
#                      The token of a role may only speak for names that begin so (acl/server.hcl, acl/agent.hcl)
#   CONSUL_DATACENTER  dc1
#   CONSUL_ADVERTISE   the address that others reach it by; its only private one unless given
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

node=${CONSUL_NODE:-$role-$(hostname | tr . -)}
set -- "-config-file=$here/$role.hcl" -config-file=config.json "-data-dir=$state" "-node=$node" \
    "-datacenter=${CONSUL_DATACENTER:-dc1}"
for address in $(echo "$CONSUL_JOIN" | tr ',' ' '); do
    set -- "$@" "-retry-join=$address"
done
[ -z "${CONSUL_ADVERTISE:-}" ] || set -- "$@" "-advertise=$CONSUL_ADVERTISE"
date +%s >"$state/started" # for health.sh
exec consul agent "$@"
