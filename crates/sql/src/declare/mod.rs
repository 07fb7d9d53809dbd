//! Declarations of streams as values: what `ALTER` makes of one, what may become of one that holds records, its text.

mod change;
mod evolve;
mod text;
mod types;
mod wider;

pub use change::{Altered, alter};
pub use evolve::{Evolution, evolve};
pub use text::stream_sql;
pub use types::sql_type;
