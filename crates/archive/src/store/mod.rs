//! From the setting `root` to an object store that is rooted there: a local folder whose writes are durable, or S3.

mod durable;
mod open;
mod s3;

pub(crate) use durable::DurableFolder;
pub(crate) use open::open;
