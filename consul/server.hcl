# Consul's own configuration of a server. Three servers keep one catalog; two of three must be there to change it.
# What differs between machines is added by start.sh; keys and tokens are in config.json (make-secrets.sh).
# The spellings are Consul 1.8's; newer ones take them too, some with a warning that names the new spelling.

server           = true
bootstrap_expect = 3 # nobody leads before three are there: two halves of a cluster can never begin apart

# Machines start in any order: who is not there yet is asked again soon.
retry_interval = "5s"

# The HTTP API has no TLS and so listens here only; others have an agent of their own and need no server's API.
client_addr = "127.0.0.1"

# One datacenter: no gossip between datacenters.
ports {
  serf_wan = -1
}

# A server that stops stays a member: it comes back with its disk, and the others know that they wait for it. That one goes for
# good is said by a person (docs/operate/consul-cluster.md).
leave_on_terminate      = false
skip_leave_on_interrupt = true

# Nobody may do anything without a token that allows it. If the servers cannot be asked, what was known of a token goes on.
acl {
  enabled        = true
  default_policy = "deny"
  down_policy    = "extend-cache"
}

# Every connection between members has TLS, and both sides show a certificate of our own authority. A certificate of
# a server must also be in the name server.<datacenter>.consul, so that an agent cannot pass for one.
ca_file                = "ca.pem"
cert_file              = "server.pem"
key_file               = "server-key.pem"
verify_incoming        = true
verify_outgoing        = true
verify_server_hostname = true

# Agents get their certificates from the servers, and new ones before they expire: they only need to know ca.pem.
auto_encrypt {
  allow_tls = true
}

disable_update_check = true # asks nobody on the internet
