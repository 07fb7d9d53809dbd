//! Which apps have simulators.

use crate::{RankMySteps, SimulateError, Simulator, SimulatorSettings, UserChoice};

/// The apps that [`simulator_for`] knows.
pub const SIMULATED_APPS: [&str; 1] = ["rankmysteps"];

/// The simulator of an app, at event 0.
///
/// # Errors
/// When the app has none, or the settings do not suit it.
pub fn simulator_for(app: &str, settings: &SimulatorSettings) -> Result<Box<dyn Simulator>, SimulateError> {
    match app {
        "rankmysteps" => Ok(Box::new(RankMySteps::new(settings, UserChoice::Drawn)?)),
        _ => Err(SimulateError::UnknownApp { app: app.to_owned(), known: SIMULATED_APPS.join(", ") }),
    }
}
