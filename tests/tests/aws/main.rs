//! In and out of a load balancer's target group, and what a task is told about itself, against the fake AWS of
//! `pilot_tests::aws`.
//!
//! What is below `exclusive` gets the machine for itself (`.config/nextest.toml`).

mod exclusive;
mod fargate;
mod load_balancer;
mod metadata;
mod replaced;
