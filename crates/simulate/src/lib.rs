//! Deterministic event simulators of the bundled apps: the same settings give the same bytes on every machine, from any
//! event number on, so that batches can be made in parallel. Called by `highwater simulate`, `demo` and `bench`.
//! Sends nothing and asks nobody what time it is.

mod decimal;
mod error;
mod letshang;
mod local_time;
mod random;
mod rankmysteps;
mod registry;
mod simulator;
mod timeline;

pub use error::SimulateError;
pub use letshang::{LetsHang, WALKERS};
pub use local_time::LocalText;
pub use random::SplitMix64;
pub use rankmysteps::{RankMySteps, SOURCES, UserChoice};
pub use registry::{SIMULATED_APPS, events_per_second, simulator_for};
pub use simulator::{Rows, Simulator, SimulatorSettings};
pub use timeline::{DEFAULT_EVENTS_PER_SECOND, Timeline};
