#!/bin/sh
# Makes the cluster's ACLs what the files say: acl/NAME.hcl is the policy NAME, and the token NAME has it. Run as often as
# one likes: what is right stays. pilot runs it on each server (server.json5); by hand it works on every machine of the cluster.
#
# The tokens are lines of `NAME SECRET` in CONSUL_TOKENS, or in the file `tokens` of the secrets' folder (make-secrets.sh).
# Their secrets are known before the cluster is, so that everybody can start at once. The one called management may do
# everything, also this; the first leader made it from acl.tokens.master in config.json. When all is set up it can
# be taken out of both: then this script has nothing to do.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
file=${CONSUL_SECRETS:-/run/pilot/secrets}/tokens
tokens=${CONSUL_TOKENS:-$(cat "$file" 2>/dev/null || true)}
api=${CONSUL_HTTP_ADDR:-http://127.0.0.1:8500}
case $api in *://*) ;; *) api=http://$api ;; esac

secret_of() { echo "$tokens" | sed -n "s/^$1 //p"; }
management=$(secret_of management)
if [ -z "$management" ]; then
    echo "acl: no management token in CONSUL_TOKENS or $file: policies and tokens stay as they are"
    exit 0
fi
command -v curl >/dev/null || { echo 'acl: curl is missing' >&2; exit 1; }
unset CONSUL_HTTP_TOKEN_FILE
CONSUL_HTTP_TOKEN=$management
export CONSUL_HTTP_TOKEN

policy() { # NAME
    id=$(consul acl policy read -name "$1" 2>/dev/null | sed -n 's/^ID: *//p')
    if [ -n "$id" ]; then
        consul acl policy update -id "$id" -name "$1" -rules "@$here/acl/$1.hcl"
    else
        consul acl policy create -name "$1" -rules "@$here/acl/$1.hcl"
    fi
}

# put PATH BODY: by curl, which takes token and body from its stdin; consul would want a new token's secret as an argument.
put() {
    printf 'header = "X-Consul-Token: %s"\ndata = "%s"\n' "$management" "$(echo "$2" | sed 's/["\\]/\\&/g')" |
        curl -sS --fail --max-time 10 -o /dev/null -X PUT --config - "$api$1"
}
token() { # NAME SECRET
    CONSUL_HTTP_TOKEN=$2 consul acl token read -self >/dev/null 2>&1 ||
        put /v1/acl/token "{\"SecretID\": \"$2\", \"Description\": \"$1\", \"Policies\": [{\"Name\": \"$1\"}]}"
}

apply() {
    for path in "$here"/acl/*.hcl; do
        policy "$(basename "$path" .hcl)" || return 1
    done
    # This one is always there, under this number.
    put /v1/acl/token/00000000-0000-0000-0000-000000000002 '{"Policies": [{"Name": "anonymous"}]}' || return 1
    for name in $(echo "$tokens" | sed -n 's/ .*//p'); do
        [ "$name" = management ] || token "$name" "$(secret_of "$name")" || return 1
    done
}

# The cluster may still be forming, or another server may be doing the same.
tries=0
until said=$(apply 2>&1); do
    tries=$((tries + 1))
    [ "$tries" -ne 5 ] || printf 'acl: not yet: %s\n' "$said"
    if [ "$tries" -ge 600 ]; then
        printf 'acl: given up after %s attempts, the last one: %s\n' "$tries" "$said" >&2
        exit 1
    fi
    sleep 1
done
echo 'acl: policies and tokens are as the files say'
