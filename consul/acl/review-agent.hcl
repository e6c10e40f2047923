# What the agent next to a branch under review does in its own name: as acl/agent.hcl, under names that begin with review-.
node_prefix "review-" {
  policy = "write"
}
service_prefix "" {
  policy = "read"
}
