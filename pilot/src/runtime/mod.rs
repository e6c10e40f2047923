//! Performs what the core decides and reports back what happened: processes, output, probes, the catalog, the load balancer.
//!
//! Nothing here decides. Every effect is started with a deadline and comes back as an input; none blocks the loop.

#[cfg(feature = "aws")]
pub mod balancer;
pub mod catalog;
pub mod children;
pub mod control;
pub mod environment;
pub mod http;
pub mod in_flight;
mod net;
pub mod notify;
pub mod output;
pub mod postmortem;
pub mod probe;
pub mod process;
mod scope;
pub mod supervisor;
pub mod task;
pub mod task_address;
pub mod telemetry;
pub mod view;
mod watch_files;
