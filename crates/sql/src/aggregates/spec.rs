//! From a planned aggregate call to the kernel that computes it.

use datafusion::arrow::compute::SortOptions;
use datafusion::common::DFSchema;
use datafusion::logical_expr::expr::{AggregateFunction, NullTreatment};
use datafusion::logical_expr::{Expr, ExprSchemable};
use highwater_aggregate::{AggregateKind, AggregateSpec};

/// The kernel of a planned call over `input` and its argument expressions (for first/last: value, then sort keys).
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
            "{name} with IGNORE NULLS cannot be maintained; write {name}(… ORDER BY …) FILTER (WHERE {value} IS NOT NULL)"
        ));
    }
    let mut arguments = params.args.clone();
    if kind == AggregateKind::Count && !params.distinct {
        // `count(*)` is planned as `count(1)`.
        arguments.retain(|argument| !matches!(argument, Expr::Literal(value, _) if !value.is_null()));
    }
    let mut order = Vec::new();
    if matches!(kind, AggregateKind::First | AggregateKind::Last) {
        if params.order_by.is_empty() {
            return Err(format!("{name} without ORDER BY depends on the order of arrival; write {name}(… ORDER BY …)"));
        }
        for key in &params.order_by {
            order.push(SortOptions { descending: !key.asc, nulls_first: key.nulls_first });
            arguments.push(key.expr.clone());
        }
    }
    let arg_types = arguments.iter().map(|argument| argument.get_type(input)).collect::<Result<Vec<_>, _>>();
    let arg_types = arg_types.map_err(|error| error.to_string())?;
    let spec = AggregateSpec { kind, arg_types, distinct: params.distinct, order, append_only };
    spec.result_type().map_err(|error| {
        let distinct = if params.distinct { "DISTINCT " } else { "" };
        format!("{name}({distinct}…) cannot be maintained: {error}; cast the argument, or make this a plain VIEW")
    })?;
    Ok((spec, arguments))
}

fn unmaintained(name: &str) -> String {
    let instead = match name {
        "approx_distinct" => "write count(DISTINCT …), or make this a plain VIEW",
        "median" | "approx_median" | "percentile_cont" | "approx_percentile_cont" => {
            "write avg, min or max, or make this a plain VIEW over a materialized view"
        }
        "any_value" => "write min, max or first_value(… ORDER BY …)",
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
        _ => return None,
    })
}
