# What it takes to save a snapshot. A snapshot holds every token, so Consul asks for the right to change tokens: keep this
# token and the snapshots themselves as safe as the management token.
acl = "write"
