# What an agent does in its own name: keep its own entry in the catalog, under a name that begins with agent-, and ask
# for its certificate. Services are registered by the token of whoever registers them, not by this one; it reads them, to
# see which of its own have to go.
node_prefix "agent-" {
  policy = "write"
}
service_prefix "" {
  policy = "read"
}
