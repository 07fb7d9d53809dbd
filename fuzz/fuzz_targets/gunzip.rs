//! Fuzzes gzip bodies with a limit. The checks are in `highwater_decode::fuzzing`, where the stable tests drive them too.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| highwater_decode::fuzzing::fuzz_gunzip(data));
