//! Tests that get the machine for themselves: they start hundreds of processes, or their promise is a time.

mod crowds;
mod reload_storm;
mod restarts;
