//! Functions Highwater adds to DataFusion's, or puts in the place of its own.

mod geo;
mod hash;
mod json;
mod local_time;
mod registry;
mod scalar;
mod text;
mod timezone;
mod zone;

pub(crate) use registry::register;
pub(crate) use timezone::TIMEZONE;
