# What pilot may do for the application `app`. For another application copy this file, under the name of its token.
#
# Put it into the catalog, say how it is, take it out. With `services` or `telemetry` in pilot's configuration, their
# names too (telemetry is registered as "containerpilot").
service "app" {
  policy = "write"
}

# Watches: one block for each service that is watched.
service "backend" {
  policy = "read"
}

# Whom a watch finds has an address, and that is the node's: without this every watch finds nobody.
node_prefix "" {
  policy = "read"
}
