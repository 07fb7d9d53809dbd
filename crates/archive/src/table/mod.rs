//! One table: open, append exactly once, compact, rewrite, vacuum.

mod append;
mod check;
mod compact;
mod handle;
mod rewrite;
mod vacuum;

pub use append::Holes;
pub use compact::Compacted;
pub use handle::Table;
pub use vacuum::Vacuumed;
