//! The planner and its DataFusion session: which functions there are, and the settings every plan is made with.

use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;

use crate::functions;

/// Plans queries. Holds functions and settings, no data: one serves the whole process.
#[derive(Clone, Debug)]
pub struct Planner {
    state: SessionState,
}

impl Default for Planner {
    fn default() -> Self {
        Self::new()
    }
}

impl Planner {
    /// A planner with all of Highwater's functions, in UTC.
    #[must_use]
    pub fn new() -> Self {
        let mut state = SessionStateBuilder::new().with_config(config()).with_default_features().build();
        functions::register(&mut state);
        Self { state }
    }

    /// The session for executing plans; give it a runtime with the request's limits. Its `SessionConfig` may be
    /// narrowed (partitions, batch size), not changed in what values mean (time zone, parser options).
    #[must_use]
    pub fn session_state(&self) -> SessionState {
        self.state.clone()
    }

    pub(super) fn state(&self) -> &SessionState {
        &self.state
    }
}

/// Settings on which the meaning of plans depends.
fn config() -> SessionConfig {
    let mut config = SessionConfig::new().with_information_schema(false).with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    options.execution.time_zone = Some("UTC".to_owned());
    options.sql_parser.collect_spans = true;
    // Columns are Utf8 everywhere: one text type keeps live and batch results of the same type.
    options.sql_parser.map_string_types_to_utf8view = false;
    config
}
