//! What is read from the counted values of a group: an end of the order, the most frequent value, a percentile, all
//! values as list or text, counts of buckets. Used by [`crate::counted::Counted`].

mod end;
mod histogram;
mod list;
mod mode;
mod percentile;
mod result;
mod text;

pub(crate) use histogram::{BucketCounts, bucket_start};
pub(crate) use list::List;
pub(crate) use mode::Mode;
pub(crate) use percentile::{Interpolate, Percentile, Sketched};
pub(crate) use result::Reading;
pub(crate) use text::Text;
