//! What the tests of several packages share: ports that are free, directories that go away, waiting with a deadline, a
//! scripted HTTP peer, and real servers (Consul, MariaDB, TLS authorities) in directories of their own.
//!
//! It knows nothing of pilot or app, blocks instead of awaiting, and ends only what it started.

pub mod certificates;
pub mod command;
pub mod consul;
pub mod http;
pub mod mariadb;
pub mod ports;
pub mod running;
pub mod scratch;
pub mod scripted;
pub mod tools;
pub mod wait;

pub use certificates::Authority;
pub use consul::Consul;
pub use mariadb::MariaDb;
pub use running::Running;
pub use scratch::Scratch;
pub use scripted::{Reply, Request, Scripted};
pub use wait::{SOON, until, until_or};
