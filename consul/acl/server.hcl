# What a server does in its own name: keep its own entry in the catalog. No service, no key, no token.
node_prefix "server-" {
  policy = "write"
}
