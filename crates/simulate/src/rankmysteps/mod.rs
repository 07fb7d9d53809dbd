//! The step counters of app `rankmysteps`.

mod population;
mod simulator;
#[cfg(test)]
mod tests;

pub use population::SOURCES;
pub use simulator::{RankMySteps, UserChoice};
