//! Which apps have simulators.

use crate::{
    DEFAULT_EVENTS_PER_SECOND, LetsHang, RankMySteps, SimulateError, Simulator, SimulatorSettings, UserChoice, WALKERS,
};

/// The apps that [`simulator_for`] knows.
pub const SIMULATED_APPS: [&str; 2] = ["letshang", "rankmysteps"];

/// Positions that a walker sends in a second.
const POSITIONS_PER_SECOND: f64 = 10.0;

/// The simulator of an app, at event 0.
///
/// # Errors
/// When the app has none, or the settings do not suit it.
pub fn simulator_for(app: &str, settings: &SimulatorSettings) -> Result<Box<dyn Simulator>, SimulateError> {
    match app {
        "letshang" => Ok(Box::new(LetsHang::new(settings)?)),
        "rankmysteps" => Ok(Box::new(RankMySteps::new(settings, UserChoice::Drawn)?)),
        _ => Err(SimulateError::UnknownApp { app: app.to_owned(), known: SIMULATED_APPS.join(", ") }),
    }
}

/// Events in a simulated second when no rate is asked for.
#[must_use]
pub fn events_per_second(app: &str, users: Option<u64>) -> f64 {
    match app {
        "letshang" => users.unwrap_or(WALKERS).max(1) as f64 * POSITIONS_PER_SECOND,
        _ => DEFAULT_EVENTS_PER_SECOND,
    }
}
