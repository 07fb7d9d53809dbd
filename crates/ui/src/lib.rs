//! The web UI's files, ready to be sent: found by path, with their type, tag and form. Called by the server, which
//! knows HTTP; this crate knows files only. Debug builds read them from `web/dist` each time.

mod asset;
#[cfg(test)]
mod tests;

pub use asset::{Asset, find};
