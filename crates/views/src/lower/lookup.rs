//! Lowering of lookups: joins of an append-only input with a table (reference data, perhaps filtered and projected). The
//! input looks the table's rows up and is not kept itself.

use std::sync::Arc;

use highwater_sql::datafusion::common::NullEquality;
use highwater_sql::datafusion::logical_expr::{Expr, Join, JoinType, LogicalPlan};

use super::plan::{arrow_schema, column_index, filter_stage, project_stage, scan_schema, scanned};
use super::{Lowered, Properties};
use crate::ViewsError;
use crate::expression::Expression;
use crate::keys::KeyCodec;
use crate::operator::{Lookup, LookupPlan, Stage};

/// Whether a join can be a lookup, as far as its shape goes: which side is the table, and whether input rows without a
/// match are kept.
pub(super) fn lookup_shape(join: &Join) -> Option<(bool, bool)> {
    if join.on.is_empty() || join.null_equality == NullEquality::NullEqualsNull {
        return None;
    }
    match (is_table(&join.left), is_table(&join.right), join.join_type) {
        (_, true, JoinType::Inner) => Some((false, false)),
        (_, true, JoinType::Left) => Some((false, true)),
        (true, _, JoinType::Inner) => Some((true, false)),
        (true, _, JoinType::Right) => Some((true, true)),
        _ => None,
    }
}

/// Lowers a join of this shape to a lookup of the lowered `input`.
pub(super) fn lower_lookup(
    join: &Join,
    (table_first, keep_unmatched): (bool, bool),
    input_lowered: Lowered,
) -> Result<Lowered, ViewsError> {
    let (table, input) = if table_first { (&join.left, &join.right) } else { (&join.right, &join.left) };
    let (table_on, input_on): (Vec<Expr>, Vec<Expr>) = join
        .on
        .iter()
        .map(|(left, right)| if table_first { (left.clone(), right.clone()) } else { (right.clone(), left.clone()) })
        .unzip();
    let side = TableSide::of(table)?;
    let (node, read) = input_lowered.finish(arrow_schema(input));
    let mut properties = Properties { append_only: read.append_only, ..Properties::default() };
    properties.reads(&read);
    properties.lookups.insert(side.table);
    if side.at_most_one_match(table, &table_on) {
        let shift = if table_first { table.schema().fields().len() } else { 0 };
        properties.key = read.key.iter().map(|column| column + shift).collect();
    }
    let input_keys = Expression::compile_all(&input_on, input.schema())?;
    let fields = input_on.iter().map(|expr| key_field(expr, input)).collect::<Result<Vec<_>, _>>()?;
    let text: Vec<String> = join.on.iter().map(|(left, right)| format!("{left} = {right}")).collect();
    let condition = join.filter.as_ref().map(|filter| Expression::compile(filter, &join.schema)).transpose()?;
    let plan = LookupPlan {
        table: side.table,
        table_name: side.name,
        projection: side.projection,
        projected: side.projected,
        stages: side.stages,
        table_schema: arrow_schema(table),
        input_keys,
        table_keys: Expression::compile_all(&table_on, table.schema())?,
        codec: KeyCodec::new(&fields)?,
        condition,
        keep_unmatched,
        table_first,
        schema: Arc::clone(join.schema.inner()),
        text: text.join(" AND "),
    };
    Ok(Lowered::of(Box::new(Lookup::new(node, plan)), properties))
}

fn key_field(expr: &Expr, input: &LogicalPlan) -> Result<arrow_schema::Field, ViewsError> {
    use highwater_sql::datafusion::logical_expr::ExprSchemable;
    Ok(arrow_schema::Field::new("key", expr.get_type(input.schema())?, true))
}

fn is_table(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::TableScan(scan) => scanned(scan).is_ok_and(|(source, _)| source.is_table),
        LogicalPlan::Filter(filter) => is_table(&filter.input),
        LogicalPlan::Projection(projection) => is_table(&projection.input),
        LogicalPlan::SubqueryAlias(alias) => is_table(&alias.input),
        _ => false,
    }
}

/// The table side of a lookup.
struct TableSide {
    table: highwater_model::ObjectId,
    name: String,
    projection: Vec<usize>,
    projected: arrow_schema::SchemaRef,
    stages: Vec<Stage>,
    /// Columns of the side's result that are the table's primary key; empty when it does not survive.
    key: Vec<usize>,
}

impl TableSide {
    fn of(plan: &LogicalPlan) -> Result<Self, ViewsError> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let (source, projection) = scanned(scan)?;
                let key = source.key.iter().map(|column| projection.iter().position(|taken| taken == column));
                let key = key.collect::<Option<_>>().unwrap_or_default();
                let stages = scan.filters.iter().map(|filter| filter_stage(filter, plan)).collect::<Result<_, _>>()?;
                Ok(Self {
                    table: source.id,
                    name: source.name.to_string(),
                    projection,
                    projected: scan_schema(scan),
                    stages,
                    key,
                })
            }
            LogicalPlan::Filter(filter) => {
                let mut side = Self::of(&filter.input)?;
                side.stages.push(filter_stage(&filter.predicate, &filter.input)?);
                Ok(side)
            }
            LogicalPlan::Projection(projection) => {
                let mut side = Self::of(&projection.input)?;
                side.stages.push(project_stage(projection)?);
                let positions: Vec<_> = projection.expr.iter().map(|e| column_index(e, &projection.input)).collect();
                let key = side.key.iter().map(|key| positions.iter().position(|column| *column == Some(*key)));
                side.key = key.collect::<Option<_>>().unwrap_or_default();
                Ok(side)
            }
            LogicalPlan::SubqueryAlias(alias) => Self::of(&alias.input),
            _ => Err(ViewsError::Invariant("no table side".to_owned())),
        }
    }

    /// Whether the join keys include the whole primary key.
    fn at_most_one_match(&self, plan: &LogicalPlan, keys: &[Expr]) -> bool {
        let columns: Vec<Option<usize>> = keys.iter().map(|expr| column_index(expr, plan)).collect();
        !self.key.is_empty() && self.key.iter().all(|key| columns.contains(&Some(*key)))
    }
}
