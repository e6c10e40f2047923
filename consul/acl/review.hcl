# What pilot may do for a branch under review: the service named like the branch's stack, app-..., and no other. Production's is
# called `app`, which this prefix does not match. One token is shared by all branches.
service_prefix "app-" {
  policy = "write"
}

# Watches: as acl/pilot.hcl has them.
service "backend" {
  policy = "read"
}
node_prefix "" {
  policy = "read"
}
