//! Any text as SQL: no panic, and problems are reported within the text.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| highwater_sql::fuzz_parse(text));
