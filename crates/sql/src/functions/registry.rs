//! Which functions a session has: DataFusion's, ours added, aggregates replaced by those the live path runs.

use std::sync::Arc;

use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::ScalarUDF;

use super::timezone::Timezone;

/// Adds our functions to a session; a function of the same name is replaced.
pub(crate) fn register(state: &mut SessionState) {
    let scalars = [ScalarUDF::new_from_impl(Timezone::new())];
    for function in scalars {
        let name = function.name().to_owned();
        if let Err(error) = state.register_udf(Arc::new(function)) {
            // Sessions take any function; were one refused, queries that use it would say that it is unknown.
            tracing::error!(%name, %error, "function not registered");
        }
    }
    if let Err(error) = crate::aggregates::register_aggregates(state) {
        tracing::error!(%error, "aggregates not registered");
    }
}
