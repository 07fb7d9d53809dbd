//! Settings: flags over environment over `highwater.toml` over defaults. Raw (texts with where they came from, unknown
//! keys refused) are settled (validated, typed) once, at the start; nothing is global.

mod key;
mod nearest;
mod raw;
mod settled;
#[cfg(test)]
mod tests;

pub use key::KEYS;
pub use nearest::nearest;
pub use raw::Flags;
pub use settled::{ArchivePlace, LogFormat, Settings};
