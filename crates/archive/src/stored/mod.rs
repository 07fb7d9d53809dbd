//! The form in which columns are held: Delta has fewer types than Arrow, so some are held as a wider one. Both ways are
//! exact; what would lose a value is refused.

mod bounds;
mod bounds_json;
mod convert;
mod days;
mod types;

pub(crate) use bounds::Bounds;
pub use bounds::ColumnRange;
pub(crate) use bounds_json::{ranges_from_json, ranges_to_json};
pub(crate) use convert::conform;
pub use convert::{array_from_stored, from_stored, to_stored};
pub(crate) use days::{date_of_day, days_of};
pub use types::stored_schema;
pub(crate) use types::{has_local_timestamps, unstorable};
