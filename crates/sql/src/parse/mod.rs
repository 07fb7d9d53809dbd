//! From text to statements, with every problem found at once. DDL is read here; queries by `sqlparser`.

mod alter;
mod columns;
mod command;
mod cursor;
mod dialect;
mod index;
mod job;
mod options;
mod query;
mod script;
mod show;
mod stream;
mod table;
mod types;
mod values;
mod view;
mod write;

pub(crate) use alter::{extend_layout, finds};
pub(crate) use query::{DIALECT, lower_first, parser_problem, tokens_of};
#[cfg(feature = "fuzzing")]
pub use script::fuzz_parse;
pub use script::parse;
pub(crate) use stream::DEFAULT_IDLE_MICROS;
pub(crate) use values::zone_hint;
pub use values::{byte_size, duration};
