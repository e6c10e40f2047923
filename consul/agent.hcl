# Consul's own configuration of the agent next to an application: it keeps nothing, knows the servers, and answers pilot
# and the application at 127.0.0.1:8500. What differs between machines is added by start.sh; the key and the token are in
# config.json (make-secrets.sh). server.hcl explains what is not explained here.

server         = false
retry_interval = "5s"
client_addr    = "127.0.0.1"

# An agent that stops leaves: its machine goes with it, and nobody should wait for either.
leave_on_terminate = true

acl {
  enabled        = true
  default_policy = "deny"
  down_policy    = "extend-cache" # servers out of reach: tokens that were good a moment ago stay good
}

# It believes nobody but the servers of our authority, and gets its own certificate from them.
ca_file                = "ca.pem"
verify_outgoing        = true
verify_server_hostname = true
auto_encrypt {
  tls = true
}

disable_update_check = true
