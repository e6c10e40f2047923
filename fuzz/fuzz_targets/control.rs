//! See `pilot::fuzz::control`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pilot::fuzz::control(data));
