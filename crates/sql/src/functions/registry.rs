//! Which functions a session has: DataFusion's, ours added, aggregates replaced by those the live path runs.

use std::sync::Arc;

use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;

use super::scalar::Function;
use super::{local_time, timezone};

/// All our scalar functions.
const FUNCTIONS: &[Function] = &[timezone::FUNCTION, local_time::LOCAL_DATE, local_time::LOCAL_HOUR];

/// Adds our functions to a session; a function of the same name is replaced.
pub(crate) fn register(state: &mut SessionState) {
    for function in FUNCTIONS {
        if let Err(error) = state.register_udf(Arc::new(function.into_udf())) {
            // Sessions take any function; were one refused, queries that use it would say that it is unknown.
            tracing::error!(name = function.name, %error, "function not registered");
        }
    }
    if let Err(error) = crate::aggregates::register_aggregates(state) {
        tracing::error!(%error, "aggregates not registered");
    }
}
