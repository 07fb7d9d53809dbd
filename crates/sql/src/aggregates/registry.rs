//! Puts our aggregates in the place of DataFusion's of the same name. Called when a session is made.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::{average, count, first_last, min_max, stddev, sum, variance};
use datafusion::logical_expr::AggregateUDF;
use highwater_aggregate::AggregateKind;

use super::function::Exact;

/// Our functions, under the names and aliases of those they replace.
#[must_use]
pub fn exact_aggregates() -> Vec<Arc<AggregateUDF>> {
    let replaced = [
        (AggregateKind::Count, count::count_udaf()),
        (AggregateKind::Sum, sum::sum_udaf()),
        (AggregateKind::Avg, average::avg_udaf()),
        (AggregateKind::Min, min_max::min_udaf()),
        (AggregateKind::Max, min_max::max_udaf()),
        (AggregateKind::First, first_last::first_value_udaf()),
        (AggregateKind::Last, first_last::last_value_udaf()),
        (AggregateKind::VarSamp, variance::var_samp_udaf()),
        (AggregateKind::VarPop, variance::var_pop_udaf()),
        (AggregateKind::StddevSamp, stddev::stddev_udaf()),
        (AggregateKind::StddevPop, stddev::stddev_pop_udaf()),
    ];
    let exact = |(kind, native)| Arc::new(AggregateUDF::new_from_impl(Exact::new(kind, native)));
    replaced.into_iter().map(exact).collect()
}

/// Replaces the aggregates of a session by ours.
///
/// # Errors
/// When the session takes no functions.
pub fn register_aggregates(state: &mut SessionState) -> Result<()> {
    for function in exact_aggregates() {
        state.register_udaf(function)?;
    }
    Ok(())
}
