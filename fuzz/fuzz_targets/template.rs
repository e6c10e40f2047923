//! See `pilot::fuzz::template`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| pilot::fuzz::template(data));
