//! The rules, row by row of the v3 specification, and what must hold under any sequence of events.

mod cron_rules;
mod dead_ends;
mod draining;
mod ending;
mod found;
mod graph;
mod health;
mod history;
mod impossible;
mod periodic;
mod plans;
mod random;
mod readiness;
mod reloading;
mod requests;
mod schedule;
mod starting;
mod stop_plan;
