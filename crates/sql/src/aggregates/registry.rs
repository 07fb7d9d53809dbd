//! Puts our aggregates in the place of DataFusion's of the same name, and adds those it does not have. Called when a
//! session is made.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::types::{NativeType, logical_float64};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::session_state::SessionState;
use datafusion::functions_aggregate::{
    any_value, approx_median, array_agg, average, count, first_last, median, min_max, percentile_cont, stddev,
    string_agg, sum, variance,
};
use datafusion::logical_expr::{AggregateUDF, Coercion, Signature, TypeSignatureClass, Volatility};
use highwater_aggregate::AggregateKind;

use super::declared::Declared;
use super::function::Exact;

/// Our functions. Those that replace one of DataFusion's have its name and aliases.
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
        (AggregateKind::AnyValue, any_value::any_value_udaf()),
        (AggregateKind::ArrayAgg, array_agg::array_agg_udaf()),
        (AggregateKind::Median, median::median_udaf()),
        (AggregateKind::PercentileCont, percentile_cont::percentile_cont_udaf()),
        (AggregateKind::ApproxMedian, approx_median::approx_median_udaf()),
    ];
    let anything = || Signature::any(1, Volatility::Immutable);
    let declared = [
        (AggregateKind::Mode, &[][..], anything()),
        (AggregateKind::StringAgg, &[], string_agg::string_agg_udaf().signature().clone()),
        // Without the number of centroids that DataFusion's takes: the sketch is another.
        (
            AggregateKind::ApproxPercentile,
            &["approx_percentile"],
            percentile_cont::percentile_cont_udaf().signature().clone(),
        ),
        (AggregateKind::ApproxDistinct, &[], anything()),
        (AggregateKind::Histogram, &[], Signature::coercible(vec![number(), number()], Volatility::Immutable)),
    ];
    let declared = declared.map(|(kind, aliases, signature)| {
        (kind, Arc::new(AggregateUDF::new_from_impl(Declared::new(kind, aliases, signature))))
    });
    let exact = |(kind, native)| Arc::new(AggregateUDF::new_from_impl(Exact::new(kind, native)));
    replaced.into_iter().chain(declared).map(exact).collect()
}

/// Any number, read as `DOUBLE`.
fn number() -> Coercion {
    let double = TypeSignatureClass::Native(logical_float64());
    Coercion::new_implicit(double, vec![TypeSignatureClass::Numeric], NativeType::Float64)
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
