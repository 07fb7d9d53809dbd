//! Lowering of `GROUP BY` and `DISTINCT`.

use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use highwater_sql::datafusion::logical_expr::{Aggregate as AggregatePlan, Expr, GroupingSet, LogicalPlan};
use highwater_sql::spec_for;

use super::grouping::{Groupings, groupings};
use super::panes::Windowing;
use super::plan::{arrow_schema, lower};
use super::{Lowered, Properties};
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{Aggregate, AggregateCall, Grouping, Leaving, Node, Union};

/// An aggregate, whose groups may leave by the clock.
pub(super) fn lower_aggregate(plan: &AggregatePlan, leaving: Option<Leaving>) -> Result<Lowered, ViewsError> {
    if let [Expr::GroupingSet(sets)] = plan.group_expr.as_slice() {
        return lower_groupings(plan, sets);
    }
    let groups = Expression::compile_all(&plan.group_expr, plan.input.schema())?;
    let windowing = Windowing::below(plan);
    let panes = windowing.as_ref().map(|windowing| windowing.panes(&plan.group_expr)).transpose()?.flatten();
    // With panes events are aggregated, else what is made of them.
    let windowing = windowing.filter(|_| panes.is_some());
    let over: &LogicalPlan = windowing.as_ref().map_or(plan.input.as_ref(), |windowing| windowing.events);
    let compile = |expr: &Expr| match &windowing {
        Some(windowing) => windowing.compile(expr),
        None => Expression::compile(expr, plan.input.schema()),
    };
    let (input, read) = lower(over)?.finish(arrow_schema(over));
    let calls = calls_of(plan, read.append_only, &compile)?;
    let what = Grouping { groups, text: group_text(plan), calls, leaving, panes };
    build(input, read, what, Arc::clone(plan.schema.inner()))
}

/// How expressions over an aggregate's input are compiled.
type Compile<'a> = &'a dyn Fn(&Expr) -> Result<Expression, ViewsError>;

/// Several groupings: one aggregate for all of them, and one for the grand total.
fn lower_groupings(plan: &AggregatePlan, sets: &GroupingSet) -> Result<Lowered, ViewsError> {
    let Groupings { repeated, total } = groupings(plan, sets)?;
    let schema = plan.schema.inner();
    let compile = |expr: &Expr| Expression::compile(expr, plan.input.schema());
    let mut parts = Vec::new();
    if let Some((stage, input_schema, groups)) = repeated {
        let mut input = lower(&plan.input)?;
        input.stages.push(stage);
        let (input, read) = input.finish(input_schema);
        let calls = calls_of(plan, read.append_only, &compile)?;
        let what = Grouping { groups, text: group_text(plan), calls, leaving: None, panes: None };
        parts.push(build(input, read, what, Arc::clone(schema))?);
    }
    if let Some(stage) = total {
        let (input, read) = lower(&plan.input)?.finish(arrow_schema(&plan.input));
        let calls = calls_of(plan, read.append_only, &compile)?;
        let own = schema.fields().len() - calls.len();
        let results = Arc::new(Schema::new(schema.fields().iter().skip(own).cloned().collect::<Vec<_>>()));
        let what = Grouping { groups: Vec::new(), text: "everything".to_owned(), calls, leaving: None, panes: None };
        let mut lowered = build(input, read, what, results)?;
        lowered.stages.push(stage);
        parts.push(lowered);
    }
    // The set's number tells the groups of one set from those of another.
    let mut properties =
        Properties { key: (0..schema.fields().len() - plan.aggr_expr.len()).collect(), ..Properties::default() };
    let mut nodes = Vec::with_capacity(parts.len());
    for part in parts {
        let (node, read) = part.finish(Arc::clone(schema));
        properties.reads(&read);
        nodes.push(node);
    }
    Ok(Lowered::of(Box::new(Union::new(nodes, Arc::clone(schema))), properties))
}

fn calls_of(plan: &AggregatePlan, append_only: bool, compile: Compile<'_>) -> Result<Vec<AggregateCall>, ViewsError> {
    plan.aggr_expr.iter().map(|expr| lower_call(expr, &plan.input, append_only, compile)).collect()
}

fn group_text(plan: &AggregatePlan) -> String {
    plan.group_expr.iter().map(|expr| expr.human_display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Distinct rows, which may leave by the clock.
pub(super) fn lower_distinct(input: &LogicalPlan, leaving: Option<Leaving>) -> Result<Lowered, ViewsError> {
    let schema = arrow_schema(input);
    let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let groups = Expression::compile_all(&columns, input.schema())?;
    let text = columns.iter().map(|expr| expr.human_display().to_string()).collect::<Vec<_>>().join(", ");
    let (node, read) = lower(input)?.finish(Arc::clone(&schema));
    build(node, read, Grouping { groups, text, calls: Vec::new(), leaving, panes: None }, schema)
}

fn build(input: Box<dyn Node>, read: Properties, what: Grouping, schema: SchemaRef) -> Result<Lowered, ViewsError> {
    let append_only = read.append_only;
    let mut properties = Properties { key: (0..what.groups.len()).collect(), ..Properties::default() };
    // Distinct rows of an append-only input only ever come, unless they leave; any aggregate's old row is retracted.
    properties.append_only = append_only && what.calls.is_empty() && what.leaving.is_none();
    properties.reads(&read);
    properties.dues.extend(what.leaving.as_ref().map(|leaving| leaving.due.clone()));
    let node = Aggregate::new(input, what, schema, append_only)?;
    Ok(Lowered::of(Box::new(node), properties))
}

fn lower_call(
    expr: &Expr,
    input: &LogicalPlan,
    append_only: bool,
    compile: Compile<'_>,
) -> Result<AggregateCall, ViewsError> {
    let text = expr.human_display().to_string();
    let function = match expr {
        Expr::Alias(alias) => return lower_call(&alias.expr, input, append_only, compile),
        Expr::AggregateFunction(function) => function,
        _ => return Err(ViewsError::Invariant(format!("{text} is no aggregate"))),
    };
    let (spec, arguments) = spec_for(function, input.schema(), append_only).map_err(|reason| {
        ViewsError::refused(text.clone(), reason, "compute it in a plain VIEW over the materialized one")
    })?;
    let filter = function.params.filter.as_ref().map(|filter| compile(filter));
    Ok(AggregateCall {
        spec,
        arguments: arguments.iter().map(compile).collect::<Result<_, _>>()?,
        filter: filter.transpose()?,
        text,
    })
}
