//! The harness of the end-to-end tests: pilot as a black box among real peers.
//!
//! It starts the shipped binary (as PID 1 of a PID namespace or beside other processes), a real Consul agent and a real
//! MySQL-protocol server, waits for conditions with deadlines, and ends only what it started. It never looks inside pilot.

pub mod agent;
pub mod aws;
pub mod browser;
pub mod cgroup;
pub mod checkout;
pub mod cluster;
pub mod command;
pub mod consul;
pub mod control;
pub mod engine;
pub mod http;
pub mod instance;
pub mod mariadb;
pub mod mysql9;
pub mod network;
pub mod notify;
pub mod pilot;
pub mod ports;
pub mod processes;
pub mod proxy;
pub mod registered;
pub mod registry;
pub mod scratch;
pub mod scripted;
pub mod stand_ins;
pub mod tools;
pub mod wait;

pub use browser::Browser;
pub use checkout::Checkout;
pub use cluster::{Cluster, Member};
pub use consul::Consul;
pub use engine::Engine;
pub use mariadb::MariaDb;
pub use mysql9::Mysql9;
pub use network::{Machine, Network};
pub use pilot::{Line, Pilot};
pub use registry::Registry;
pub use scratch::Scratch;
pub use tools::fixture;
pub use wait::{SOON, until, until_or};
