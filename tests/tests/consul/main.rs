//! Jobs as services in a real Consul, and watches on them.
//!
//! What is below `slow` takes minutes, because Consul does: `make test-slow`.

mod access;
mod faults;
mod leaving;
mod observer;
mod registration;
mod services;
mod slow;
mod tutorial;
mod watches;
