//! Constant arguments of aggregates (percentile, separator, width), read from planned calls.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{ColumnarValue, Expr};
use datafusion::physical_expr::PhysicalExpr;
use highwater_aggregate::{AggregateKind, Constant};

/// Where the constant stands among the arguments of the functions that take one.
const POSITION: usize = 1;

/// Whether argument `index` is the constant.
pub(super) fn is_at(kind: AggregateKind, index: usize) -> bool {
    kind.constant().is_some() && index == POSITION
}

/// The constant of a call with these arguments, if the function takes one.
///
/// # Errors
/// What it must be.
pub(super) fn of_logical(kind: AggregateKind, arguments: &[Expr]) -> Result<Option<Constant>, String> {
    let given = arguments.get(POSITION);
    read(kind, given.and_then(literal), given.map(ToString::to_string))
}

/// As [`of_logical`], for a physical plan.
pub(super) fn of_physical(
    kind: AggregateKind,
    arguments: &[Arc<dyn PhysicalExpr>],
) -> Result<Option<Constant>, String> {
    let given = arguments.get(POSITION);
    read(kind, given.and_then(evaluated), given.map(ToString::to_string))
}

fn read(kind: AggregateKind, value: Option<ScalarValue>, text: Option<String>) -> Result<Option<Constant>, String> {
    let Some(needed) = kind.constant() else {
        return Ok(None);
    };
    let constant =
        value.and_then(|value| if kind == AggregateKind::StringAgg { separator(&value) } else { number(&value) });
    if kind.accepts(constant.as_ref()) {
        return Ok(constant);
    }
    let instead = text.map_or_else(String::new, |text| format!(" instead of {text}"));
    Err(format!("{} needs {needed}{instead}", kind.name()))
}

/// NULL separates as little as the empty text, as in PostgreSQL.
fn separator(value: &ScalarValue) -> Option<Constant> {
    let text = if value.is_null() { Some("") } else { value.try_as_str().flatten() };
    text.map(|text| Constant::Text(text.to_owned()))
}

fn number(value: &ScalarValue) -> Option<Constant> {
    match value.cast_to(&DataType::Float64) {
        Ok(ScalarValue::Float64(Some(number))) => Some(Constant::Number(number)),
        _ => None,
    }
}

/// The value of a literal under the casts that settling its type put around it. Other constant expressions are
/// literals by the time a view is lowered.
fn literal(expr: &Expr) -> Option<ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value.clone()),
        Expr::Alias(alias) => literal(&alias.expr),
        Expr::Cast(cast) => literal(&cast.expr)?.cast_to(cast.field.data_type()).ok(),
        Expr::Negative(inner) => literal(inner)?.arithmetic_negate().ok(),
        _ => None,
    }
}

/// The value of an expression that needs no row.
fn evaluated(expr: &Arc<dyn PhysicalExpr>) -> Option<ScalarValue> {
    match expr.evaluate(&RecordBatch::new_empty(Arc::new(Schema::empty()))) {
        Ok(ColumnarValue::Scalar(value)) => Some(value),
        _ => None,
    }
}
