//! The documentation is whole: what it names exists, and whatever cites it cites something that is there.
//!
//! Starts nothing and needs no network; reads the files of this checkout.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that fails should fail loudly.

mod citations;
mod examples;
mod files;
mod links;
mod pages;
mod test_names;
