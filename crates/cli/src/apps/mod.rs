//! Apps: folders of `app.sql` and `app.toml`. Some are bundled into the binary so that it runs anywhere; a folder of
//! the same name under the apps folder goes before a bundled one.

mod app;
mod bundled;
mod load;
mod manifest;
#[cfg(test)]
mod tests;

pub use app::{App, all_apps, find_app};
pub use load::load_app;
pub use manifest::{Manifest, SimulatorManifest};
