# What those may do who show no token: nothing. Said in full, so that it stays so.
#
# Who looks up services by DNS shows none. If that is wanted here, write "read" in these two.
service_prefix "" {
  policy = "deny"
}
node_prefix "" {
  policy = "deny"
}
key_prefix "" {
  policy = "deny"
}
