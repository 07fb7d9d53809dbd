//! Fuzzes calendar files, read and expanded. The checks are in `highwater_calendar::fuzzing`, where the stable tests drive them too.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| highwater_calendar::fuzzing::fuzz_calendar(data));
