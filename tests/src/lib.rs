//! The harness of the end-to-end tests: pilot as a black box among real peers.
//!
//! It starts the shipped binary (as PID 1 of a PID namespace or next to other processes), a real Consul agent and a real
//! MySQL-protocol server, waits for conditions with deadlines, and ends only what it started. It never looks inside pilot.

pub mod aws;
pub mod base_images;
pub mod browser;
pub mod cgroup;
pub mod checkout;
pub mod cluster;
pub mod control;
pub mod engine;
pub mod instance;
pub mod mysql9;
pub mod network;
pub mod notify;
pub mod pilot;
pub mod processes;
pub mod proxy;
pub mod registry;
pub mod services;
pub mod tools;

pub use pilot_test_support::{
    Authority, Consul, MariaDb, Running, SOON, Scratch, command, consul, http, mariadb, ports, scratch, scripted,
    until, until_or, wait,
};

pub use browser::Browser;
pub use checkout::Checkout;
pub use cluster::{Cluster, Member};
pub use engine::Engine;
pub use mysql9::Mysql9;
pub use network::{Machine, Network};
pub use pilot::{Line, Pilot};
pub use registry::Registry;
pub use tools::fixture;
