//! The walkers of app `letshang`: friends who move about Manhattan and are free at some hours.

mod land;
mod people;
mod schedule;
mod simulator;
#[cfg(test)]
mod tests;
mod walker;

pub use simulator::{LetsHang, WALKERS};
