//! See `pilot::fuzz::catalog`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pilot::fuzz::catalog(data));
