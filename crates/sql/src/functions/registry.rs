//! Which functions a session has: DataFusion's, ours added, aggregates replaced by those the live path runs.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;

use super::scalar::Function;
use super::{geo, hash, json, local_time, text, timezone};

/// All scalar functions of our own.
const FUNCTIONS: &[Function] = &[
    timezone::FUNCTION,
    local_time::LOCAL_DATE,
    local_time::LOCAL_HOUR,
    local_time::KNOWN_ZONE,
    geo::ST_POINT,
    geo::ST_X,
    geo::ST_Y,
    geo::ST_DISTANCE,
    geo::ST_DWITHIN,
    geo::ST_CONTAINS,
    geo::H3_CELL,
    geo::H3_DISK,
    geo::H3_CELL_BOUNDARY,
    geo::NEAREST_CITY,
    text::NORMALIZE_TEXT,
    text::UNACCENT,
    text::STRIP_HTML,
    hash::XXH64,
];

/// Adds our functions to a session; a function of the same name is replaced.
pub(crate) fn register(state: &mut SessionState) {
    if let Err(error) = register_scalars(state) {
        // Sessions take any function; were one refused, queries that use it would say that it is unknown.
        tracing::error!(%error, "functions not registered");
    }
    if let Err(error) = crate::aggregates::register_aggregates(state) {
        tracing::error!(%error, "aggregates not registered");
    }
}

fn register_scalars(state: &mut SessionState) -> Result<()> {
    let ours = FUNCTIONS.iter().map(|function| Arc::new(function.into_udf()));
    for function in ours.chain(json::functions()) {
        state.register_udf(function)?;
    }
    state.register_expr_planner(Arc::new(json::Operators))
}
