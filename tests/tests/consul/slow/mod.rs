//! What takes minutes, because Consul does: `make test-slow`.

mod cluster;
mod removal;
