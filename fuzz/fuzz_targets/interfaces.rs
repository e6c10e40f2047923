//! See `pilot::fuzz::interfaces`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pilot::fuzz::interfaces(data));
