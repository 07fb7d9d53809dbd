//! Dashboards as code: reads the files `dashboards/*.toml` of an app, says everything that is wrong with them at once,
//! and puts parameters into their SQL. Used by the server, which serves them, and by `highwater check`. It runs no SQL
//! and draws nothing.

mod checks;
mod dashboard;
mod library;
mod literal;
mod maps;
mod nearest;
mod options;
mod panels;
mod parameters;
mod places;
mod read;
mod template;
#[cfg(test)]
mod tests;
mod uses;

pub use dashboard::{Choice, Choices, Dashboard, Panel, Parameter, ParameterKind, Source};
pub use library::{AppPages, DashboardFile, Library, PagesSource};
pub use read::read_dashboard;
pub use template::{Rendered, Values};
