//! See `pilot::fuzz::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pilot::fuzz::config(data));
