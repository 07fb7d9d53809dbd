//! Lowering of `GROUP BY` and `DISTINCT`.

use std::sync::Arc;

use arrow_schema::SchemaRef;
use highwater_sql::datafusion::logical_expr::{Aggregate as AggregatePlan, Expr, LogicalPlan};
use highwater_sql::spec_for;

use super::plan::{arrow_schema, lower};
use super::{Lowered, Properties};
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{Aggregate, AggregateCall, Node};

pub(super) fn lower_aggregate(plan: &AggregatePlan) -> Result<Lowered, ViewsError> {
    if plan.group_expr.iter().any(|expr| matches!(expr, Expr::GroupingSet(_))) {
        return Err(ViewsError::refused(
            "GROUPING SETS, ROLLUP, CUBE",
            "several groupings at once are not maintained yet",
            "write one materialized view for each grouping, and a plain VIEW with UNION ALL over them",
        ));
    }
    let (input, read) = lower(&plan.input)?.finish(arrow_schema(&plan.input));
    let groups = Expression::compile_all(&plan.group_expr, plan.input.schema())?;
    let calls = plan
        .aggr_expr
        .iter()
        .map(|expr| lower_call(expr, &plan.input, read.append_only))
        .collect::<Result<Vec<_>, _>>()?;
    let text = plan.group_expr.iter().map(|expr| expr.human_display().to_string()).collect::<Vec<_>>().join(", ");
    build(input, read, groups, text, calls, Arc::clone(plan.schema.inner()))
}

pub(super) fn lower_distinct(input: &LogicalPlan) -> Result<Lowered, ViewsError> {
    let schema = arrow_schema(input);
    let columns: Vec<Expr> = input.schema().columns().into_iter().map(Expr::Column).collect();
    let groups = Expression::compile_all(&columns, input.schema())?;
    let text = columns.iter().map(|expr| expr.human_display().to_string()).collect::<Vec<_>>().join(", ");
    let (node, read) = lower(input)?.finish(Arc::clone(&schema));
    build(node, read, groups, text, Vec::new(), schema)
}

fn build(
    input: Box<dyn Node>,
    read: Properties,
    groups: Vec<Expression>,
    text: String,
    calls: Vec<AggregateCall>,
    schema: SchemaRef,
) -> Result<Lowered, ViewsError> {
    let append_only = read.append_only;
    let mut properties = Properties { key: (0..groups.len()).collect(), ..Properties::default() };
    // Distinct rows of an append-only input only ever come; any aggregate's old row is retracted.
    properties.append_only = append_only && calls.is_empty();
    properties.reads(&read);
    let node = Aggregate::new(input, groups, text, calls, schema, append_only)?;
    Ok(Lowered::of(Box::new(node), properties))
}

fn lower_call(expr: &Expr, input: &LogicalPlan, append_only: bool) -> Result<AggregateCall, ViewsError> {
    let text = expr.human_display().to_string();
    let function = match expr {
        Expr::Alias(alias) => return lower_call(&alias.expr, input, append_only),
        Expr::AggregateFunction(function) => function,
        _ => return Err(ViewsError::Invariant(format!("{text} is no aggregate"))),
    };
    let (spec, arguments) = spec_for(function, input.schema(), append_only).map_err(|reason| {
        ViewsError::refused(text.clone(), reason, "compute it in a plain VIEW over the materialized one")
    })?;
    let filter = function.params.filter.as_ref().map(|filter| Expression::compile(filter, input.schema()));
    Ok(AggregateCall {
        spec,
        arguments: Expression::compile_all(&arguments, input.schema())?,
        filter: filter.transpose()?,
        text,
    })
}
