#!/bin/sh
# Whether a server is well: it answers, and the others count on it. Whoever updates them one after the other goes on when
# this one is healthy; by then it must be a voter again, or the next one to go takes the cluster's majority with it. A server
# that comes back with its disk at another address (as in ECS) is not counted on for about a minute.
#
# It need not know a leader: a server that has lost the others is well, and must be left to wait for them. For the same reason
# that it is not counted on is held against it for two minutes only. A server with an empty disk knows of no others and is well:
# the first one is there before there is a cluster.
set -eu

api=http://127.0.0.1:8500/v1/status
# Without a leader the answer may be a 500, which is an answer.
curl -sS -o /dev/null "$api/leader"
peers=$(curl -sSf "$api/peers") || exit 0
case $peers in '[]' | null) exit 0 ;; esac
# Its addresses: the one that it was given, or all of this machine. The host's name means another one where a task has two.
own=${CONSUL_ADVERTISE:-$(awk '/32 host LOCAL/ { print last } { last = $2 }' /proc/net/fib_trie | sort -u)} || exit 0
for address in $own; do
    case $peers in *"\"$address:"*) exit 0 ;; esac
done
started=$(cat "${CONSUL_STATE:-/consul/state}/started")
[ $(($(date +%s) - started)) -lt 120 ] || exit 0
echo "health: the other servers do not count on this one yet ($(echo "$own" | tr '\n' ' ')): $peers" >&2
exit 1
