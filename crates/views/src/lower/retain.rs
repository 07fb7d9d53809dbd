//! `WITH (retain = …)`: the filter by the clock by which rows leave a view, put where it frees the most: right above the
//! aggregate whose groups leave with the rows, or above operators that remember nothing.

use std::sync::Arc;

use highwater_sql::Retain;
use highwater_sql::datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano};
use highwater_sql::datafusion::common::{Column, ScalarValue};
use highwater_sql::datafusion::functions::datetime::now::NowFunc;
use highwater_sql::datafusion::logical_expr::{
    Aggregate, BinaryExpr, Distinct, Expr, Filter, LogicalPlan, Operator, ScalarUDF,
};

use super::plan::{column_index, lower};
use crate::ViewsError;
use crate::operator::figures_of;

const CLAUSE: &str = "WITH (retain = …)";
/// The end of a window is the time of its row.
const WINDOW_END: &str = "window_end";

/// The plan of a view whose rows leave when their time is longer ago than `retain` says.
pub(crate) fn retained(plan: &LogicalPlan, retain: &Retain) -> Result<LogicalPlan, ViewsError> {
    let fields = plan.schema().fields();
    let is_time = |column: &usize| {
        matches!(fields[*column].data_type(), DataType::Timestamp(..) | DataType::Date32 | DataType::Date64)
    };
    let name = |column: usize| fields[column].name().clone();
    let times: Vec<usize> = match &retain.by {
        None => (0..fields.len()).filter(is_time).collect(),
        Some(by) => match fields.iter().position(|field| field.name() == by).filter(is_time) {
            Some(column) => vec![column],
            None => {
                let reason = format!("the view has no column \"{by}\" that is a time");
                return Err(refused(reason, "name a column of type TIMESTAMPTZ, TIMESTAMP or DATE in retain_by"));
            }
        },
    };
    let placed: Vec<_> = times.iter().map(|column| (*column, place(plan, *column, retain.micros))).collect();
    let fits = || placed.iter().filter(|(_, placed)| placed.is_ok()).map(|(column, _)| *column);
    let wanted = fits().find(|column| fields[*column].name() == WINDOW_END).or_else(|| fits().next());
    if fits().count() > 1 && wanted.is_some_and(|column| fields[column].name() != WINDOW_END) {
        let names: Vec<String> = fits().map(name).collect();
        let reason = format!("rows could leave by any of the columns {}", names.join(", "));
        return Err(refused(reason, format!("say by which: WITH (retain = '30 days', retain_by = '{}')", names[0])));
    }
    let chosen = placed.into_iter().find(|(column, _)| wanted.is_none_or(|wanted| wanted == *column));
    chosen.map(|(_, placed)| placed).unwrap_or_else(|| {
        let instead = "select one, and group by it where there are groups, such as date_trunc('day', ts) AS day";
        Err(refused("no column of the view is a time by which its rows could leave", instead))
    })
}

fn refused(reason: impl Into<String>, instead: impl Into<String>) -> ViewsError {
    ViewsError::refused(CLAUSE, reason, instead)
}

/// Puts the filter on a column of the plan's result as far down as it says the same and everything above it remembers
/// nothing.
fn place(plan: &LogicalPlan, column: usize, micros: i64) -> Result<LogicalPlan, ViewsError> {
    let with_input = |input: LogicalPlan| Ok(plan.with_new_exprs(plan.expressions(), vec![input])?);
    match plan {
        _ if remembers(plan)?.is_none() => filter(plan.clone(), column, micros),
        LogicalPlan::Projection(projection) => match column_index(&projection.expr[column], &projection.input) {
            Some(inner) => with_input(place(&projection.input, inner, micros)?),
            None if is_grouped(&projection.input) => Err(refused(
                format!(
                    "{} is computed from the groups, which leave by a column of their own",
                    column_name(plan, column)
                ),
                "GROUP BY that very expression",
            )),
            None => Err(not_freed(&projection.input)),
        },
        LogicalPlan::SubqueryAlias(alias) => with_input(place(&alias.input, column, micros)?),
        LogicalPlan::Filter(node) => with_input(place(&node.input, column, micros)?),
        LogicalPlan::Union(union) => {
            let inputs = union.inputs.iter().map(|input| place(input, column, micros)).collect::<Result<_, _>>()?;
            Ok(plan.with_new_exprs(plan.expressions(), inputs)?)
        }
        LogicalPlan::Aggregate(node) => {
            let inner = group_column(node, column).ok_or_else(|| {
                let reason = format!("{} is no column that the rows are grouped by", column_name(plan, column));
                refused(reason, "GROUP BY a time, such as date_trunc('day', ts) AS day")
            })?;
            filter(with_input(freed(&node.input, inner, micros)?)?, column, micros)
        }
        LogicalPlan::Distinct(Distinct::All(input)) => {
            filter(with_input(freed(input, Some(column), micros)?)?, column, micros)
        }
        other => Err(not_freed(other)),
    }
}

/// Whether the rows of a plan are groups.
fn is_grouped(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) => true,
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Filter(_) => {
            plan.inputs().into_iter().all(is_grouped)
        }
        _ => false,
    }
}

/// Which column of its input a grouping column merely names, if it does; `None` when the column is no grouping column.
fn group_column(node: &Aggregate, column: usize) -> Option<Option<usize>> {
    match node.group_expr.as_slice() {
        [Expr::GroupingSet(_)] => None,
        groups => groups.get(column).map(|group| column_index(group, &node.input)),
    }
}

/// The input of an aggregate whose groups leave: what it remembers must leave as well.
fn freed(input: &LogicalPlan, time: Option<usize>, micros: i64) -> Result<LogicalPlan, ViewsError> {
    match (remembers(input)?, time) {
        (None, _) => Ok(input.clone()),
        (Some(_), Some(time)) => place(input, time, micros),
        (Some(_), None) => Err(not_freed(input)),
    }
}

/// The operator of a plan that remembers something, if one does. What lookups remember is the table's.
fn remembers(plan: &LogicalPlan) -> Result<Option<String>, ViewsError> {
    let mut lowered = lower(plan)?;
    let mut states = 0;
    lowered.node.states(&mut |_| {
        states += 1;
        Ok(())
    })?;
    if states == 0 {
        return Ok(None);
    }
    let mut all = Vec::new();
    figures_of(lowered.node.as_ref(), &mut all);
    Ok(all.into_iter().find(|figures| figures.holds.is_some()).map(|figures| figures.operator))
}

fn not_freed(plan: &LogicalPlan) -> ViewsError {
    let operator = remembers(plan).ok().flatten().unwrap_or_else(|| "an operator".to_owned());
    refused(
        format!("what \"{operator}\" holds would not leave with the rows of the view"),
        "filter what it reads by the clock, WHERE ts > now() - INTERVAL '30 days', or make it a view of its own that retains",
    )
}

fn column_name(plan: &LogicalPlan, column: usize) -> String {
    plan.schema().field(column).name().clone()
}

/// The rows whose time is less than so long ago.
fn filter(plan: LogicalPlan, column: usize, micros: i64) -> Result<LogicalPlan, ViewsError> {
    let time = Expr::Column(Column::from(plan.schema().qualified_field(column)));
    let interval = IntervalMonthDayNano::new(0, 0, micros.saturating_mul(1_000));
    let interval = Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(interval)), None);
    let now = ScalarUDF::from(NowFunc::default()).call(Vec::new());
    let binary = |left, op, right| Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)));
    let condition = binary(time, Operator::Gt, binary(now, Operator::Minus, interval));
    Ok(LogicalPlan::Filter(Filter::try_new(condition, Arc::new(plan))?))
}
