//! See `pilot::fuzz::notify`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pilot::fuzz::notify(data));
