//! From a window function of a plan to what a ranked index is asked; nothing when the index does not know the answer.

use arrow_schema::DataType;
use highwater_sql::datafusion::common::{DFSchema, ScalarValue};
use highwater_sql::datafusion::logical_expr::expr::{NullTreatment, WindowFunctionParams};
use highwater_sql::datafusion::logical_expr::{Expr, WindowFrameBound, WindowFunctionDefinition};
use highwater_views::{RankCall, RankSource};

use crate::query::source::KnownIndex;

/// What a column of a chain of windows is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Output {
    /// A column of the relation.
    Column(usize),
    /// The answer to one of the chain's calls.
    Call(usize),
}

/// How the window's order relates to the index's.
#[derive(Clone, Copy)]
struct Ordered {
    /// Columns of the index that it consists of.
    columns: usize,
    reversed: bool,
}

/// The call that a window expression over these columns is.
pub(super) fn call_of(
    expr: &Expr,
    schema: &DFSchema,
    outputs: &[Output],
    calls: &[RankCall],
    index: &KnownIndex,
) -> Option<RankCall> {
    let window = match expr {
        Expr::Alias(alias) => return call_of(&alias.expr, schema, outputs, calls, index),
        Expr::WindowFunction(window) => window,
        _ => return None,
    };
    let params = &window.params;
    if params.filter.is_some() || params.distinct || params.null_treatment == Some(NullTreatment::IgnoreNulls) {
        return None;
    }
    let output = |expr: &Expr| output_of(expr, schema, outputs);
    let column = |expr: &Expr| match output(expr) {
        Some(Output::Column(column)) => Some(column),
        _ => None,
    };
    let partition: Vec<usize> = params.partition_by.iter().map(column).collect::<Option<_>>()?;
    let same = index.partition.iter().all(|column| partition.contains(column))
        && partition.iter().all(|column| index.partition.contains(column));
    if !same {
        return None;
    }
    let Ordered { columns: order, reversed } = ordered(params, &column, index)?;
    match &window.fun {
        WindowFunctionDefinition::AggregateUDF(function) => {
            (function.name() == "count" && counts_all(params)).then_some(RankCall::Count)
        }
        WindowFunctionDefinition::WindowUDF(function) => match function.name() {
            "rank" => Some(RankCall::Rank { order, reversed }),
            "percent_rank" => Some(RankCall::PercentRank { order, reversed }),
            "cume_dist" => Some(RankCall::CumeDist { order, reversed }),
            "row_number" if order > 0 => Some(RankCall::RowNumber { reversed }),
            "lag" | "lead" if order > 0 => {
                let source = match output(params.args.first()?)? {
                    Output::Column(column) => RankSource::Column(column),
                    Output::Call(call) => RankSource::Call(Box::new(calls.get(call)?.clone())),
                };
                let by = offset(params)?;
                let backwards = (function.name() == "lag") != reversed;
                Some(RankCall::Shifted { source, by: if backwards { by.checked_neg()? } else { by } })
            }
            _ => None,
        },
    }
}

/// Which column of a chain a column expression names.
pub(super) fn output_of(expr: &Expr, schema: &DFSchema, outputs: &[Output]) -> Option<Output> {
    let Expr::Column(column) = expr else { return None };
    outputs.get(schema.maybe_index_of_column(column)?).cloned()
}

/// How an `ORDER BY` compares with the index's; `None` when it is another.
fn ordered(
    params: &WindowFunctionParams,
    column: &impl Fn(&Expr) -> Option<usize>,
    index: &KnownIndex,
) -> Option<Ordered> {
    let mut wanted: Vec<(usize, bool, bool)> = Vec::new();
    for sort in &params.order_by {
        let column = column(&sort.expr)?;
        // In a partition its columns order nothing, nor does a column that was named before.
        if !index.partition.contains(&column) && wanted.iter().all(|(other, ..)| *other != column) {
            wanted.push((column, !sort.asc, sort.nulls_first));
        }
    }
    let known = &index.columns[index.partition.len()..];
    let fits = |reversed: bool| {
        wanted.iter().zip(known).all(|((column, descending, nulls_first), known)| {
            *column == known.column
                && (*descending != known.descending) == reversed
                // Where there are no NULLs it does not matter where they would stand.
                && (index.never_null.contains(column) || (*nulls_first != known.nulls_first) == reversed)
        })
    };
    // What is behind the last column of the index decides nothing: no two rows are equal in all of them.
    let columns = wanted.len().min(known.len());
    [false, true].into_iter().find(|reversed| fits(*reversed)).map(|reversed| Ordered { columns, reversed })
}

/// `count(*)` of the whole partition.
fn counts_all(params: &WindowFunctionParams) -> bool {
    let counts_rows = matches!(params.args.as_slice(), [] | [Expr::Literal(_, _)])
        && !params.args.iter().any(|arg| matches!(arg, Expr::Literal(value, _) if value.is_null()));
    let frame = &params.window_frame;
    let unbounded = |bound: &WindowFrameBound| match bound {
        WindowFrameBound::Preceding(value) | WindowFrameBound::Following(value) => value.is_null(),
        WindowFrameBound::CurrentRow => false,
    };
    let starts = matches!(&frame.start_bound, bound @ WindowFrameBound::Preceding(_) if unbounded(bound));
    let ends = matches!(&frame.end_bound, bound @ WindowFrameBound::Following(_) if unbounded(bound));
    // Without an order all rows are peers, and a frame up to the current row's peers is everything.
    let peers = params.order_by.is_empty()
        && frame.units == highwater_sql::datafusion::logical_expr::WindowFrameUnits::Range
        && matches!(frame.end_bound, WindowFrameBound::CurrentRow);
    counts_rows && starts && (ends || peers)
}

/// The constant offset of `lag` and `lead`, which have no default or NULL.
fn offset(params: &WindowFunctionParams) -> Option<i64> {
    let literal = |at: usize| match params.args.get(at) {
        None => Some(None),
        Some(Expr::Literal(value, _)) => Some(Some(value)),
        Some(_) => None,
    };
    if literal(2)?.is_some_and(|value| !value.is_null()) {
        return None;
    }
    match literal(1)? {
        None => Some(1),
        Some(value) => match value.cast_to(&DataType::Int64).ok()? {
            ScalarValue::Int64(Some(offset)) => Some(offset),
            _ => None,
        },
    }
}
