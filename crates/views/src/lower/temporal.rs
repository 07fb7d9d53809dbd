//! Lowering of conditions on the clock: `ts > now() - INTERVAL '1 hour'` and its kin.

use highwater_sql::datafusion::common::ScalarValue;
use highwater_sql::datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::logical_expr::utils::{conjunction, split_conjunction};
use highwater_sql::datafusion::logical_expr::{BinaryExpr, Distinct, Expr, Filter, LogicalPlan, Operator};
use highwater_sql::datafusion::sql::unparser::expr_to_sql;

use super::Lowered;
use super::aggregate::{lower_aggregate, lower_distinct};
use super::plan::{arrow_schema, column_index, filter_stage, lower};
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{Bound, Due, Leaving, Temporal};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// A filter with conditions on the clock; `None` when it has none.
pub(super) fn lower_temporal(filter: &Filter) -> Result<Option<Lowered>, ViewsError> {
    let (timed, plain): (Vec<&Expr>, Vec<&Expr>) =
        split_conjunction(&filter.predicate).into_iter().partition(|part| reads_clock(part));
    if timed.is_empty() {
        return Ok(None);
    }
    if let ([timed], []) = (timed.as_slice(), plain.as_slice())
        && let Some(lowered) = lower_leaving(timed, filter)?
    {
        return Ok(Some(lowered));
    }
    let mut input = lower(&filter.input)?;
    if let Some(plain) = conjunction(plain.into_iter().cloned()) {
        input.stages.push(filter_stage(&plain, &filter.input)?);
    }
    let (node, mut properties) = input.finish(arrow_schema(&filter.input));
    let bounds = timed.iter().map(|part| bound(part, filter)).collect::<Result<Vec<_>, _>>()?;
    let text: Vec<String> = timed.iter().map(|part| part.human_display().to_string()).collect();
    let due = Due::new();
    properties.append_only = false;
    properties.dues.push(due.clone());
    Ok(Some(Lowered::of(Box::new(Temporal::new(node, bounds, due, text.join(" AND "))?), properties)))
}

/// A condition by which groups of the aggregate right below leave; `None` when it is not one. The aggregate then lets go
/// of the groups itself, instead of a filter that would hold every one of them a second time.
fn lower_leaving(condition: &Expr, filter: &Filter) -> Result<Option<Lowered>, ViewsError> {
    let groups = match filter.input.as_ref() {
        LogicalPlan::Aggregate(node) if !matches!(node.group_expr.as_slice(), [Expr::GroupingSet(_)]) => {
            node.group_expr.len()
        }
        LogicalPlan::Distinct(Distinct::All(input)) => input.schema().fields().len(),
        _ => return Ok(None),
    };
    let bound = bound(condition, filter)?;
    let column = row_side(condition).and_then(|row| column_index(row, &filter.input));
    let Some(column) = column.filter(|column| !bound.enters && *column < groups) else { return Ok(None) };
    let name = filter.input.schema().field(column).name();
    let text = format!("{} after {name}", interval_text(bound.after_micros));
    let leaving = Leaving { column, after_micros: bound.after_micros, due: Due::new(), text };
    match filter.input.as_ref() {
        LogicalPlan::Aggregate(node) => lower_aggregate(node, Some(leaving)).map(Some),
        LogicalPlan::Distinct(Distinct::All(input)) => lower_distinct(input, Some(leaving)).map(Some),
        _ => Ok(None),
    }
}

/// An interval in the largest unit that it is a multiple of.
fn interval_text(micros: i64) -> String {
    const UNITS: [(i64, &str); 5] = [
        (MICROS_PER_DAY, "days"),
        (3_600_000_000, "hours"),
        (60_000_000, "minutes"),
        (1_000_000, "seconds"),
        (1_000, "milliseconds"),
    ];
    let unit = UNITS.into_iter().find(|(unit, _)| micros % unit == 0);
    let (unit, name) = unit.unwrap_or((1, "microseconds"));
    format!("{} {name}", micros / unit)
}

/// The side of a comparison that does not read the clock.
fn row_side(condition: &Expr) -> Option<&Expr> {
    match condition {
        Expr::BinaryExpr(BinaryExpr { left, right, .. }) => Some(if reads_clock(left) { right } else { left }),
        _ => None,
    }
}

/// Whether an expression looks at the clock.
pub(super) fn reads_clock(expr: &Expr) -> bool {
    let mut found = false;
    let walk = expr.apply(|expr| {
        found |= is_now(expr);
        Ok(TreeNodeRecursion::Continue)
    });
    found && walk.is_ok()
}

fn is_now(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call) if call.func.name() == "now")
}

fn bound(condition: &Expr, filter: &Filter) -> Result<Bound, ViewsError> {
    let refused = || {
        ViewsError::refused(
            expr_to_sql(condition).map_or_else(|_| condition.human_display().to_string(), |sql| sql.to_string()),
            "a condition on the clock must compare a time of the row with now(), give or take a fixed interval",
            "write ts > now() - INTERVAL '1 hour' (or >=, <, <=), with days at most, not months, and join conditions by AND",
        )
    };
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return Err(refused()) };
    let (row, op, clock) = match (reads_clock(left), reads_clock(right)) {
        (false, true) => (left, *op, right),
        (true, false) => (right, op.swap().ok_or_else(refused)?, left),
        _ => return Err(refused()),
    };
    // row op now() + shift: the comparison turns when the clock passes row − shift.
    let shift = shift_micros(clock).ok_or_else(refused)?;
    let (enters, more) = match op {
        Operator::Gt => (false, 0),
        Operator::GtEq => (false, 1),
        Operator::LtEq => (true, 0),
        Operator::Lt => (true, 1),
        _ => return Err(refused()),
    };
    let after_micros = more - shift;
    Ok(Bound { time: Expression::compile(row, filter.input.schema())?, after_micros, enters })
}

/// What is added to `now()`, in microseconds.
fn shift_micros(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Cast(cast) => shift_micros(&cast.expr),
        Expr::Alias(alias) => shift_micros(&alias.expr),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Plus, right }) => {
            shift_micros(left)?.checked_add(interval_micros(right)?)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Minus, right }) => {
            shift_micros(left)?.checked_sub(interval_micros(right)?)
        }
        _ if is_now(expr) => Some(0),
        _ => None,
    }
}

/// A constant interval of fixed length.
fn interval_micros(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Cast(cast) => interval_micros(&cast.expr),
        Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), _) if interval.months == 0 => {
            i64::from(interval.days).checked_mul(MICROS_PER_DAY)?.checked_add(interval.nanoseconds / 1_000)
        }
        Expr::Literal(ScalarValue::IntervalDayTime(Some(interval)), _) => {
            i64::from(interval.days).checked_mul(MICROS_PER_DAY)?.checked_add(i64::from(interval.milliseconds) * 1_000)
        }
        Expr::Literal(ScalarValue::DurationMicrosecond(Some(micros)), _) => Some(*micros),
        Expr::Literal(ScalarValue::DurationNanosecond(Some(nanos)), _) => Some(nanos / 1_000),
        _ => None,
    }
}
