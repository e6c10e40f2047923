//! What everybody here who talks to others shares: names, HTTP clients, small files, back-off, rates, printable text.

mod authority;
pub(crate) mod backoff;
mod client_thread;
pub(crate) mod http_client;
mod one_line;
pub(crate) mod rate;
pub(crate) mod resolve;
pub(crate) mod small_file;

pub(crate) use authority::{host_and_port, host_port};
pub(crate) use client_thread::on_client_thread;
pub(crate) use one_line::one_line;
