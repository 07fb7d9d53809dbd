//! From a planned aggregate call to the kernel that computes it.

use datafusion::arrow::compute::SortOptions;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment};
use datafusion::logical_expr::{Expr, ExprSchemable};
use highwater_aggregate::{AggregateKind, AggregateSpec};

use super::constant;
use super::function::ordered_by_others;

/// The kernel of a planned call over `input` and the expressions of its columns (the value, then the sort keys).
/// The plan's types are settled (coerced). `FILTER` is the caller's.
///
/// # Errors
/// Why the call cannot be maintained, and what to write instead.
pub fn spec_for(
    call: &AggregateFunction,
    input: &DFSchema,
    append_only: bool,
) -> Result<(AggregateSpec, Vec<Expr>), String> {
    let (name, params) = (call.func.name(), &call.params);
    let kind = kind_of(name).ok_or_else(|| unmaintained(name))?;
    if params.null_treatment == Some(NullTreatment::IgnoreNulls) {
        let value = params.args.first().map_or_else(String::new, ToString::to_string);
        return Err(format!(
            "{name} with IGNORE NULLS cannot be maintained; write {name}(…) FILTER (WHERE {value} IS NOT NULL)"
        ));
    }
    if kind == AggregateKind::ApproxDistinct && !append_only {
        let value = params.args.first().map_or_else(String::new, ToString::to_string);
        return Err(format!(
            "{name} cannot take back rows, and what it reads here can change or go; write count(DISTINCT {value})"
        ));
    }
    let constant = constant::of_logical(kind, &params.args)?;
    let mut arguments = columns_of(kind, call);
    let mut order = Vec::new();
    if matches!(kind, AggregateKind::First | AggregateKind::Last) && params.order_by.is_empty() {
        return Err(format!("{name} without ORDER BY depends on the order of arrival; write {name}(… ORDER BY …)"));
    }
    for key in &params.order_by {
        order.push(SortOptions { descending: !key.asc, nulls_first: key.nulls_first });
        if kind.takes_sort_keys() {
            if params.distinct && kind.is_list() && params.args.first() != Some(&key.expr) {
                return Err(ordered_by_others(name));
            }
            arguments.push(key.expr.clone());
        }
    }
    if !kind.takes_sort_keys() && !kind.takes_direction() {
        // The order of rows makes no difference to the others.
        order.clear();
    }
    let arg_types = arguments.iter().map(|argument| argument.get_type(input)).collect::<Result<Vec<_>, _>>();
    let arg_types = arg_types.map_err(|error| error.to_string())?;
    let spec = AggregateSpec { kind, arg_types, constant, distinct: params.distinct, order, append_only };
    spec.result_type().map_err(|error| {
        let distinct = if params.distinct { "DISTINCT " } else { "" };
        format!("{name}({distinct}…) cannot be maintained: {error}; cast the argument, or make this a plain VIEW")
    })?;
    Ok((spec, arguments))
}

/// The arguments that are columns to the kernel.
fn columns_of(kind: AggregateKind, call: &AggregateFunction) -> Vec<Expr> {
    // `count(*)` is planned as `count(1)`.
    let counts_rows = kind == AggregateKind::Count && !call.params.distinct;
    let is_column = |(index, argument): &(usize, &Expr)| {
        let is_one = counts_rows && matches!(argument, Expr::Literal(value, _) if !value.is_null());
        !is_one && !constant::is_at(kind, *index)
    };
    call.params.args.iter().enumerate().filter(is_column).map(|(_, argument)| argument.clone()).collect()
}

fn unmaintained(name: &str) -> String {
    let instead = match name {
        "approx_percentile_cont_with_weight" => "write approx_percentile_cont, or make this a plain VIEW",
        "nth_value" => "write first_value(… ORDER BY …) or array_agg(… ORDER BY …)[n]",
        _ => "make this a plain VIEW, which is evaluated when read",
    };
    format!("{name} cannot be maintained yet; {instead}")
}

fn kind_of(name: &str) -> Option<AggregateKind> {
    Some(match name {
        "count" => AggregateKind::Count,
        "sum" => AggregateKind::Sum,
        "avg" | "mean" => AggregateKind::Avg,
        "min" => AggregateKind::Min,
        "max" => AggregateKind::Max,
        "first_value" => AggregateKind::First,
        "last_value" => AggregateKind::Last,
        "bool_and" => AggregateKind::BoolAnd,
        "bool_or" => AggregateKind::BoolOr,
        "var" | "var_samp" | "var_sample" => AggregateKind::VarSamp,
        "var_pop" | "var_population" => AggregateKind::VarPop,
        "stddev" | "stddev_samp" => AggregateKind::StddevSamp,
        "stddev_pop" => AggregateKind::StddevPop,
        "any_value" => AggregateKind::AnyValue,
        "mode" => AggregateKind::Mode,
        "array_agg" => AggregateKind::ArrayAgg,
        "string_agg" => AggregateKind::StringAgg,
        "median" => AggregateKind::Median,
        "percentile_cont" => AggregateKind::PercentileCont,
        "approx_median" => AggregateKind::ApproxMedian,
        "approx_percentile_cont" => AggregateKind::ApproxPercentile,
        "approx_distinct" => AggregateKind::ApproxDistinct,
        "histogram" => AggregateKind::Histogram,
        _ => return None,
    })
}
