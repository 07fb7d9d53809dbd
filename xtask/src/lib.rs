//! Chores of this repository: `ci` runs every check, `tidy` checks what no compiler checks, `crash` runs the long crash
//! test. A library so that the checks themselves are tested.

mod ci;
mod command;
mod crash;
mod error;
pub mod tidy;

pub use command::run;
pub use error::TaskError;
