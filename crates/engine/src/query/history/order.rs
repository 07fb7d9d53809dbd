//! Settling ties as views do: of rows that tie in an order, the one whose columns compare lower comes first (NULL
//! lowest). SQL leaves that open; a computation that is to be compared row by row must not.

use std::sync::Arc;

use highwater_sql::datafusion::common::Column;
use highwater_sql::datafusion::error::Result;
use highwater_sql::datafusion::logical_expr::expr::WindowFunction;
use highwater_sql::datafusion::logical_expr::{Expr, LogicalPlan, Projection, SortExpr, Window, WindowFrameUnits};

/// A plan node in whose order nothing ties but equal rows.
pub(super) fn settle_ties(node: LogicalPlan) -> Result<LogicalPlan> {
    match node {
        LogicalPlan::Sort(mut sort) => {
            sort.expr.extend(columns(&sort.input));
            Ok(LogicalPlan::Sort(sort))
        }
        LogicalPlan::Window(window) => settle_window(window),
        other => Ok(other),
    }
}

/// Whether a plan holds an order on which its rows depend.
pub(super) fn is_ordered(node: &LogicalPlan) -> bool {
    matches!(node, LogicalPlan::Sort(_) | LogicalPlan::Window(_))
}

/// All columns of a plan that have an order, the lower first.
fn columns(plan: &LogicalPlan) -> Vec<SortExpr> {
    let ordered = plan.schema().iter().filter(|(_, field)| !field.data_type().is_nested());
    let columns = ordered.map(|(qualifier, field)| Column::new(qualifier.cloned(), field.name()));
    columns.map(|column| Expr::Column(column).sort(true, true)).collect()
}

/// Functions that tell rows apart which tie get an order in which none do; those that count rows which tie as one keep
/// theirs, in a window of their own below.
fn settle_window(window: Window) -> Result<LogicalPlan> {
    let order = columns(&window.input);
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    for expr in &window.window_expr {
        match function(expr) {
            Some(function) if tells_apart(function) => apart.push(settled(expr.clone(), &order)),
            _ => together.push(expr.clone()),
        }
    }
    if apart.is_empty() {
        return Ok(LogicalPlan::Window(window));
    }
    let input = match together.is_empty() {
        true => window.input,
        false => Arc::new(LogicalPlan::Window(Window::try_new(together, window.input)?)),
    };
    let settled = LogicalPlan::Window(Window::try_new(apart, input)?);
    let columns = window.schema.columns().into_iter().map(Expr::Column).collect();
    Ok(LogicalPlan::Projection(Projection::try_new(columns, Arc::new(settled))?))
}

/// Whether the value of a row depends on its place among those that tie with it.
fn tells_apart(function: &WindowFunction) -> bool {
    match function.fun.name() {
        "row_number" | "lag" | "lead" | "ntile" | "first_value" => true,
        "rank" | "dense_rank" | "percent_rank" | "cume_dist" => false,
        _ => function.params.window_frame.units == WindowFrameUnits::Rows,
    }
}

fn function(expr: &Expr) -> Option<&WindowFunction> {
    match expr {
        Expr::WindowFunction(function) => Some(function),
        Expr::Alias(alias) => function(&alias.expr),
        _ => None,
    }
}

/// The same call, of the same name, in an order that goes on.
fn settled(expr: Expr, order: &[SortExpr]) -> Expr {
    match expr {
        Expr::Alias(mut alias) => {
            alias.expr = Box::new(settled(*alias.expr, order));
            Expr::Alias(alias)
        }
        Expr::WindowFunction(mut function) => {
            let name = Expr::WindowFunction(function.clone()).schema_name().to_string();
            function.params.order_by.extend(order.iter().cloned());
            Expr::WindowFunction(function).alias(name)
        }
        other => other,
    }
}
