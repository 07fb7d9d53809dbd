//! The promise that the product itself checks: what is served equals what its history gives. An audit holds a relation
//! still at one version, computes it again from events alone, and compares row by row.

mod codec;
mod compare;
mod net;
mod one;
mod pin;
mod record;

pub(crate) use one::{Audited, audit};
pub(crate) use pin::{Pinned, mark, pin};
pub(crate) use record::Record;
