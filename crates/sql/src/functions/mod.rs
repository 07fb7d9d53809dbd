//! Functions Highwater adds to DataFusion's, or puts in the place of its own.

mod local_time;
mod registry;
mod scalar;
mod timezone;
mod zone;

pub(crate) use registry::register;
pub(crate) use timezone::TIMEZONE;
