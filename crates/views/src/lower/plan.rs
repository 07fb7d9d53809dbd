//! Lowering of plan nodes other than joins and aggregates.

use std::any::Any;
use std::sync::Arc;

use arrow_schema::{Schema, SchemaRef};
use highwater_sql::datafusion::logical_expr::{
    Distinct, Expr, LogicalPlan, Projection, TableScan, Union as UnionPlan, Unnest as UnnestPlan,
};
use highwater_sql::{RelationKind, RelationSource};

use super::refuse::refusal;
use super::{Lowered, Properties, aggregate, join, ordered, temporal};
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{EventSource, Node, RowSource, Stage, Union, Unnest};

/// The operators that maintain a plan.
pub(crate) fn lower(plan: &LogicalPlan) -> Result<Lowered, ViewsError> {
    match plan {
        LogicalPlan::TableScan(scan) => lower_scan(scan),
        LogicalPlan::Projection(projection) => lower_projection(projection),
        LogicalPlan::Filter(filter) => {
            if let Some(lowered) = temporal::lower_temporal(filter)? {
                return Ok(lowered);
            }
            if let Some(lowered) = ordered::lower_bounded_rank(filter)? {
                return Ok(lowered);
            }
            let mut input = lower(&filter.input)?;
            input.stages.push(filter_stage(&filter.predicate, &filter.input)?);
            Ok(input)
        }
        LogicalPlan::SubqueryAlias(alias) => lower(&alias.input),
        LogicalPlan::Aggregate(node) => aggregate::lower_aggregate(node, None),
        LogicalPlan::Distinct(Distinct::All(input)) => aggregate::lower_distinct(input, None),
        LogicalPlan::Union(union) => lower_union(union),
        LogicalPlan::Join(node) => join::lower_join(node),
        // The planner refuses an ORDER BY that says more than which row DISTINCT ON keeps: rows of a view have no order.
        LogicalPlan::Sort(sort) if sort.fetch.is_none() => lower(&sort.input),
        LogicalPlan::Unnest(unnest) => lower_unnest(unnest),
        LogicalPlan::Limit(limit) => ordered::lower_limit(limit),
        LogicalPlan::Window(window) => ordered::lower_window(window),
        other => Err(refusal(other)),
    }
}

/// The schema of a plan's result as Arrow knows it.
pub(super) fn arrow_schema(plan: &LogicalPlan) -> SchemaRef {
    Arc::clone(plan.schema().inner())
}

/// A filter over the columns of `input`.
pub(super) fn filter_stage(predicate: &Expr, input: &LogicalPlan) -> Result<Stage, ViewsError> {
    Ok(Stage::Filter {
        condition: Expression::compile(predicate, input.schema())?,
        text: predicate.human_display().to_string(),
    })
}

/// A projection over the columns of its input.
pub(super) fn project_stage(projection: &Projection) -> Result<Stage, ViewsError> {
    let text: Vec<String> = projection.expr.iter().map(|expr| expr.human_display().to_string()).collect();
    Ok(Stage::Project {
        columns: Expression::compile_all(&projection.expr, projection.input.schema())?,
        schema: Arc::clone(projection.schema.inner()),
        text: text.join(", "),
    })
}

/// The relation a scan reads, and the indexes of the columns it takes.
pub(super) fn scanned(scan: &TableScan) -> Result<(&RelationSource, Vec<usize>), ViewsError> {
    let source = (scan.source.as_ref() as &dyn Any).downcast_ref::<RelationSource>();
    let source = source.ok_or_else(|| {
        ViewsError::refused(
            format!("FROM {}", scan.table_name),
            "only streams, tables and materialized views change under a view's eyes",
            "read it in a plain VIEW",
        )
    })?;
    let projection = scan.projection.clone().unwrap_or_else(|| (0..source.schema.fields().len()).collect());
    Ok((source, projection))
}

/// The scanned columns with their own nullability.
pub(super) fn scan_schema(scan: &TableScan) -> SchemaRef {
    Arc::clone(scan.projected_schema.inner())
}

fn lower_scan(scan: &TableScan) -> Result<Lowered, ViewsError> {
    let (source, projection) = scanned(scan)?;
    let schema = scan_schema(scan);
    let key = source.key.iter().map(|column| projection.iter().position(|taken| taken == column));
    let mut properties = Properties { key: key.collect::<Option<_>>().unwrap_or_default(), ..Properties::default() };
    let name = source.name.to_string();
    let is_stream = source.kind != RelationKind::MaterializedView && !source.is_table;
    let system = if is_stream { highwater_model::SystemColumn::ALL.len() } else { 0 };
    let declared = source.schema.fields().len() - system;
    let node: Box<dyn Node> = match source.kind {
        RelationKind::Events => {
            properties.append_only = true;
            properties.key = Vec::new();
            properties.streams.insert(source.id);
            Box::new(EventSource::new(source.id, name, declared, projection, schema))
        }
        RelationKind::Current | RelationKind::MaterializedView => {
            properties.relations.insert(source.id);
            Box::new(RowSource::new(source.id, name, declared, projection, schema))
        }
    };
    let mut lowered = Lowered::of(node, properties);
    for filter in &scan.filters {
        lowered.stages.push(Stage::Filter {
            condition: Expression::compile(filter, &scan.projected_schema)?,
            text: filter.human_display().to_string(),
        });
    }
    Ok(lowered)
}

fn lower_projection(projection: &Projection) -> Result<Lowered, ViewsError> {
    let mut input = lower(&projection.input)?;
    input.stages.push(project_stage(projection)?);
    let positions: Vec<Option<usize>> =
        projection.expr.iter().map(|expr| column_index(expr, &projection.input)).collect();
    let key = input.properties.key.iter().map(|key| positions.iter().position(|column| *column == Some(*key)));
    input.properties.key = key.collect::<Option<_>>().unwrap_or_default();
    Ok(input)
}

fn lower_unnest(node: &UnnestPlan) -> Result<Lowered, ViewsError> {
    let mut input = lower(&node.input)?;
    input.stages.push(unnest_stage(node));
    // A row becomes several, which its key does not tell apart.
    input.properties.key = Vec::new();
    Ok(input)
}

/// Unnesting of columns of its input.
pub(super) fn unnest_stage(node: &UnnestPlan) -> Stage {
    let lists = node.list_type_columns.iter().map(|(column, list)| (*column, list.depth)).collect();
    let structs = node.struct_type_columns.clone();
    let unnest = Unnest::new(lists, structs, Arc::clone(node.schema.inner()), node.options.clone());
    let names: Vec<String> = node.exec_columns.iter().map(|column| column.name.clone()).collect();
    Stage::Unnest { unnest, text: names.join(", ") }
}

/// The index of the input column that an expression merely names.
pub(super) fn column_index(expr: &Expr, input: &LogicalPlan) -> Option<usize> {
    match expr {
        Expr::Column(column) => input.schema().maybe_index_of_column(column),
        Expr::Alias(alias) => column_index(&alias.expr, input),
        _ => None,
    }
}

fn lower_union(union: &UnionPlan) -> Result<Lowered, ViewsError> {
    let mut properties = Properties { append_only: true, ..Properties::default() };
    let mut inputs = Vec::with_capacity(union.inputs.len());
    // A column is nullable if it is so in any input; the plan's own schema takes the first input's word for it.
    let mut fields: Vec<arrow_schema::Field> =
        union.schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    for input in &union.inputs {
        let (node, read) = lower(input)?.finish(arrow_schema(input));
        for (field, given) in fields.iter_mut().zip(node.schema().fields()) {
            *field = field.clone().with_nullable(field.is_nullable() || given.is_nullable());
        }
        properties.append_only &= read.append_only;
        properties.reads(&read);
        inputs.push(node);
    }
    Ok(Lowered::of(Box::new(Union::new(inputs, Arc::new(Schema::new(fields)))), properties))
}
