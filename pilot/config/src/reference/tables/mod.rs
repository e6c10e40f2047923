//! Every key of the configuration: what it takes, what it is without, what it means, since when.
//!
//! The tables of `docs/reference/configuration.md` and of the pages in `docs/reference/configuration` are these; `make docs` writes them there.

mod balancer;
mod health;
mod job;
mod process;
mod service;
mod supervisor;
mod watch;

use super::Table;
use balancer::{BALANCER, DRAIN};
use health::{HEALTH, HTTP, MYSQL, NOTIFY};
use job::{JOBS, RESTARTS, WHEN};
use process::PROCESS;
use service::{REACHED, SERVICES};
use supervisor::{CONSUL, CONTROL, LOGGING, TELEMETRY, TOP};
use watch::WATCHES;

/// As they follow each other in the manual, page by page.
pub const TABLES: [Table; 18] = [
    TOP, CONSUL, LOGGING, CONTROL, JOBS, WHEN, RESTARTS, PROCESS, HEALTH, HTTP, MYSQL, NOTIFY, BALANCER, DRAIN,
    SERVICES, REACHED, WATCHES, TELEMETRY,
];
