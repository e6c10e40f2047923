#!/bin/sh
# Makes what a cluster has to know before it exists: make-secrets.sh FOLDER [DATACENTER]. Needs consul on PATH, no cluster.
#
#   FOLDER/server/      for CONSUL_SECRETS on each server: config.json (gossip key, tokens), ca.pem, server.pem,
#                       server-key.pem, tokens, snapshot.token
#   FOLDER/agent/       for CONSUL_SECRETS next to each application: config.json, ca.pem
#   FOLDER/review/      the same for branches under review, whose tokens may do less (acl/review.hcl, acl/review-agent.hcl);
#                       FOLDER/review.token is their pilot's
#   FOLDER/pilot.token  for the application's pilot: CONSUL_HTTP_TOKEN_FILE
#   FOLDER/operator/    for you alone, on no machine: ca-key.pem, management.token
#   FOLDER/*-secret.json  the same as three secrets of AWS Secrets Manager (cloudformation/consul.yaml)
#
# Certificates are good for five years; docs/operate/consul-cluster.md says how to make new ones with the same authority.
set -eu
umask 077

folder=${1:?usage: make-secrets.sh FOLDER [DATACENTER]}
datacenter=${2:-dc1}
days=1826
command -v consul >/dev/null || { echo 'make-secrets: there is no consul on PATH' >&2; exit 1; }
[ ! -e "$folder" ] || { echo "make-secrets: $folder is there already; a cluster has one set of secrets" >&2; exit 1; }
mkdir -p "$folder/server" "$folder/agent" "$folder/review" "$folder/operator"
cd "$folder"

consul tls ca create -days="$days" >/dev/null
consul tls cert create -server -dc="$datacenter" -days="$days" >/dev/null 2>&1
mv consul-agent-ca-key.pem operator/ca-key.pem
mv "$datacenter-server-consul-0-key.pem" server/server-key.pem
mv "$datacenter-server-consul-0.pem" server/server.pem
cp consul-agent-ca.pem agent/ca.pem
cp consul-agent-ca.pem review/ca.pem
mv consul-agent-ca.pem server/ca.pem

gossip=$(consul keygen)
secret() { cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen | tr A-F a-f; }
for name in management server agent snapshot pilot review-agent review; do
    echo "$name $(secret)"
done >server/tokens
of() { sed -n "s/^$1 //p" server/tokens; }
of management >operator/management.token
of snapshot >server/snapshot.token
of pilot >pilot.token
of review >review.token

# Consul 1.11 and later call `master` initial_management, and understand both.
cat >server/config.json <<END
{"encrypt": "$gossip", "acl": {"tokens": {"master": "$(of management)", "agent": "$(of server)"}}}
END
cat >agent/config.json <<END
{"encrypt": "$gossip", "acl": {"tokens": {"agent": "$(of agent)"}}}
END
cat >review/config.json <<END
{"encrypt": "$gossip", "acl": {"tokens": {"agent": "$(of review-agent)"}}}
END

# A file as a JSON text.
text() { awk '{ gsub(/["\\]/, "\\\\&"); printf "%s\\n", $0 }' "$1"; }
cat >server-secret.json <<END
{"config": "$(text server/config.json)", "ca": "$(text server/ca.pem)", "cert": "$(text server/server.pem)",
 "key": "$(text server/server-key.pem)", "tokens": "$(text server/tokens)", "snapshot_token": "$(of snapshot)"}
END
cat >agent-secret.json <<END
{"config": "$(text agent/config.json)", "ca": "$(text agent/ca.pem)", "pilot_token": "$(of pilot)"}
END
cat >review-secret.json <<END
{"config": "$(text review/config.json)", "ca": "$(text review/ca.pem)", "pilot_token": "$(of review)"}
END
echo "make-secrets: $folder holds all of it; keep $folder/operator apart"
