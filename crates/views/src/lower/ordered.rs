//! Lowering of what needs an order: `ORDER BY … LIMIT`, ranks up to a bound, window functions.

use std::sync::Arc;

use arrow_schema::{Field, SortOptions};
use highwater_sql::datafusion::common::DFSchema;
use highwater_sql::datafusion::logical_expr::execution_props::ExecutionProps;
use highwater_sql::datafusion::logical_expr::expr::WindowFunction;
use highwater_sql::datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use highwater_sql::datafusion::logical_expr::utils::split_conjunction;
use highwater_sql::datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, FetchType, Filter, Limit, LogicalPlan, Operator, SkipType, Sort, SortExpr,
    Window as WindowNode,
};
use highwater_sql::datafusion::physical_planner::create_window_expr;

use super::plan::{arrow_schema, column_index, filter_stage, lower, project_stage};
use super::{Lowered, Properties};
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{Numbering, Order, Stage, Top, TopPlan, Window, WindowPlan};

/// `ORDER BY … LIMIT n OFFSET m`.
pub(super) fn lower_limit(limit: &Limit) -> Result<Lowered, ViewsError> {
    let (FetchType::Literal(Some(fetch)), SkipType::Literal(skip)) = (limit.get_fetch_type()?, limit.get_skip_type()?)
    else {
        return Err(ViewsError::refused("LIMIT", "it must be a constant number of rows", "write LIMIT 10"));
    };
    let mut stages = Vec::new();
    let Some(sort) = sort_below(&limit.input, &mut stages)? else {
        return Err(ViewsError::refused(
            "LIMIT",
            "without ORDER BY it is not said which rows are the first",
            "write ORDER BY … LIMIT …",
        ));
    };
    let (node, read) = lower(&sort.input)?.finish(arrow_schema(&sort.input));
    let order = order_of(&[], &sort.expr, &sort.input)?;
    let plan = TopPlan {
        order,
        rank: Numbering::Offset(skip as u64),
        limit: fetch as u64,
        append_only: read.append_only,
        schema: arrow_schema(&sort.input),
    };
    let mut properties = Properties { key: read.key.clone(), ..Properties::default() };
    properties.reads(&read);
    let mut lowered = Lowered::of(Box::new(Top::new(node, plan)?), properties);
    for (stage, key) in stages.into_iter().rev() {
        let kept = lowered.properties.key.iter().map(|column| key.iter().position(|taken| *taken == Some(*column)));
        lowered.properties.key = kept.collect::<Option<_>>().unwrap_or_default();
        lowered.stages.push(stage);
    }
    Ok(lowered)
}

/// A projection, and which column of its input each of its columns merely names.
type Projected = (Stage, Vec<Option<usize>>);

/// The sort below projections, which are gathered from the top.
fn sort_below<'a>(plan: &'a LogicalPlan, stages: &mut Vec<Projected>) -> Result<Option<&'a Sort>, ViewsError> {
    match plan {
        LogicalPlan::Sort(sort) => Ok(Some(sort)),
        LogicalPlan::Projection(projection) => {
            let columns = projection.expr.iter().map(|expr| column_index(expr, &projection.input)).collect();
            stages.push((project_stage(projection)?, columns));
            sort_below(&projection.input, stages)
        }
        LogicalPlan::SubqueryAlias(alias) => sort_below(&alias.input, stages),
        _ => Ok(None),
    }
}

/// A filter right above a rank that bounds it; `None` when it is not one.
pub(super) fn lower_bounded_rank(filter: &Filter) -> Result<Option<Lowered>, ViewsError> {
    let LogicalPlan::Window(window) = filter.input.as_ref() else { return Ok(None) };
    let [expr] = window.window_expr.as_slice() else { return Ok(None) };
    let Some(function) = window_function(expr) else { return Ok(None) };
    let rank = match function.fun.name() {
        "row_number" => Numbering::RowNumber,
        "rank" => Numbering::Rank,
        "dense_rank" => Numbering::DenseRank,
        _ => return Ok(None),
    };
    let number = window.input.schema().fields().len();
    let bounds = split_conjunction(&filter.predicate).into_iter().filter_map(|part| bound(part, number, &filter.input));
    let Some(limit) = bounds.min() else { return Ok(None) };
    let (node, read) = lower(&window.input)?.finish(arrow_schema(&window.input));
    let params = &function.params;
    let order = order_of(&params.partition_by, &params.order_by, &window.input)?;
    let mut properties = Properties { key: read.key.clone(), ..Properties::default() };
    if properties.key.is_empty() && rank == Numbering::RowNumber {
        let columns = params.partition_by.iter().map(|expr| column_index(expr, &window.input));
        let partition = columns.collect::<Option<Vec<usize>>>();
        properties.key = partition.map(|columns| columns.into_iter().chain([number]).collect()).unwrap_or_default();
    }
    properties.reads(&read);
    let plan = TopPlan { order, rank, limit, append_only: read.append_only, schema: Arc::clone(window.schema.inner()) };
    let mut lowered = Lowered::of(Box::new(Top::new(node, plan)?), properties);
    lowered.stages.push(filter_stage(&filter.predicate, &filter.input)?);
    Ok(Some(lowered))
}

/// The greatest number that a condition on column `number` lets pass.
fn bound(condition: &Expr, number: usize, input: &LogicalPlan) -> Option<u64> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else { return None };
    let is_number = |expr: &Expr| match expr {
        Expr::Cast(cast) => column_index(&cast.expr, input) == Some(number),
        other => column_index(other, input) == Some(number),
    };
    let literal = |expr: &Expr| match expr {
        Expr::Literal(value, _) => value.to_string().parse::<i128>().ok(),
        _ => None,
    };
    let (op, value) = match (is_number(left), is_number(right)) {
        (true, false) => (*op, literal(right)?),
        (false, true) => (op.swap()?, literal(left)?),
        _ => return None,
    };
    let greatest = match op {
        Operator::LtEq | Operator::Eq => value,
        Operator::Lt => value - 1,
        _ => return None,
    };
    Some(u64::try_from(greatest.max(0)).unwrap_or(u64::MAX))
}

/// Window functions without a bound on a rank.
pub(super) fn lower_window(window: &WindowNode) -> Result<Lowered, ViewsError> {
    let functions: Option<Vec<&WindowFunction>> = window.window_expr.iter().map(window_function).collect();
    let functions = functions.ok_or_else(|| ViewsError::Invariant("a window without a function".to_owned()))?;
    let Some(first) = functions.first() else {
        return Err(ViewsError::Invariant("a window without functions".to_owned()));
    };
    let same = |function: &&WindowFunction| {
        function.params.partition_by == first.params.partition_by && function.params.order_by == first.params.order_by
    };
    if !functions.iter().all(same) {
        return Err(ViewsError::refused(
            "OVER (…)",
            "several windows with the same sort order but other partitions are in one SELECT",
            "compute one of them in a subquery in FROM",
        ));
    }
    let (node, read) = lower(&window.input)?.finish(arrow_schema(&window.input));
    let order = order_of(&first.params.partition_by, &first.params.order_by, &window.input)?;
    let compile = |expr: &Expr| {
        let (props, context) = (ExecutionProps::new(), PhysicalPlanningContext::default());
        create_window_expr(expr, window.input.schema(), &props, &context).map_err(ViewsError::from)
    };
    let names: Vec<String> = functions.iter().map(|function| format!("{}()", function.fun.name())).collect();
    let plan = WindowPlan {
        order,
        functions: window.window_expr.iter().map(compile).collect::<Result<_, _>>()?,
        schema: Arc::clone(window.schema.inner()),
        text: names.join(", "),
    };
    let mut properties = Properties { key: read.key.clone(), ..Properties::default() };
    properties.reads(&read);
    Ok(Lowered::of(Box::new(Window::new(node, plan)?), properties))
}

fn window_function(expr: &Expr) -> Option<&WindowFunction> {
    match expr {
        Expr::WindowFunction(function) => Some(function),
        Expr::Alias(alias) => window_function(&alias.expr),
        _ => None,
    }
}

fn order_of(partition: &[Expr], sort: &[SortExpr], input: &LogicalPlan) -> Result<Order, ViewsError> {
    let schema: &DFSchema = input.schema();
    let compiled = |expr: &Expr| -> Result<(Expression, Field), ViewsError> {
        Ok((Expression::compile(expr, schema)?, Field::new("key", expr.get_type(schema)?, true)))
    };
    let partition_keys = partition.iter().map(compiled).collect::<Result<Vec<_>, _>>()?;
    let sort_keys = sort.iter().map(|sort| {
        let (expression, field) = compiled(&sort.expr)?;
        let options = SortOptions { descending: !sort.asc, nulls_first: sort.nulls_first };
        Ok((expression, field, options))
    });
    let sort_keys = sort_keys.collect::<Result<Vec<_>, ViewsError>>()?;
    let list = |items: Vec<String>| items.join(", ");
    let mut text = Vec::new();
    if !partition.is_empty() {
        let items = partition.iter().map(|expr| expr.human_display().to_string()).collect();
        text.push(format!("partition by {}", list(items)));
    }
    if !sort.is_empty() {
        text.push(format!("order by {}", list(sort.iter().map(ToString::to_string).collect())));
    }
    Order::new(&arrow_schema(input), partition_keys, sort_keys, text.join(" "))
}
