//! Bodies of requests, by format: finding the records, resuming after a bad one. Called by the decoder.

mod collector;
mod csv;
mod fields;
mod format;
mod json;
mod text;

pub use format::BodyFormat;
pub(crate) use format::decode;
pub(crate) use text::TextLayout;
