//! Lowering of joins: to lookups where one side is a table and the other append-only, else to joins that keep both sides.

use std::sync::Arc;

use arrow_schema::{Field, Schema};
use highwater_sql::datafusion::common::{Column, NullEquality};
use highwater_sql::datafusion::logical_expr::{
    Expr, ExprSchemable, Join as JoinNode, JoinType, LogicalPlan, LogicalPlanBuilder,
};

use super::lookup::{lookup_shape, lower_lookup};
use super::plan::{arrow_schema, column_index, lower};
use super::{Lowered, Properties};
use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{Join, JoinPlan, Keep};

pub(super) fn lower_join(join: &JoinNode) -> Result<Lowered, ViewsError> {
    if let Some((table_first, keep_unmatched)) = lookup_shape(join) {
        let input = lower(if table_first { &join.right } else { &join.left })?;
        if input.properties.append_only {
            return lower_lookup(join, (table_first, keep_unmatched), input);
        }
    }
    let (gives_pairs, left_keep, right_keep) = match join.join_type {
        JoinType::Inner => (true, Keep::Nothing, Keep::Nothing),
        JoinType::Left => (true, Keep::Unmatched, Keep::Nothing),
        JoinType::Right => (true, Keep::Nothing, Keep::Unmatched),
        JoinType::Full => (true, Keep::Unmatched, Keep::Unmatched),
        JoinType::LeftSemi => (false, Keep::Matched, Keep::Nothing),
        JoinType::LeftAnti => (false, Keep::Missing, Keep::Nothing),
        JoinType::LeftMark => (false, Keep::Marked, Keep::Nothing),
        JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => {
            return Err(refused(join, "it keeps rows of its right side only", "write the other side first"));
        }
    };
    let null_matches = join.null_equality == NullEquality::NullEqualsNull;
    check_null_aware(join)?;
    let (right, on) = if gives_pairs { (join.right.as_ref().clone(), join.on.clone()) } else { thin(join)? };
    let (left_node, left) = lower(&join.left)?.finish(arrow_schema(&join.left));
    let (right_node, right_read) = lower(&right)?.finish(arrow_schema(&right));
    if on.is_empty() && left.append_only && right_read.append_only {
        return Err(refused(
            join,
            "without an equality every event of one stream would be compared with every one of the other",
            "write ON a.x = b.x (other conditions may follow with AND), or join a view or table instead of a stream",
        ));
    }
    let (left_on, right_on): (Vec<Expr>, Vec<Expr>) = on.iter().cloned().unzip();
    let pairs = join.left.schema().join(right.schema())?;
    let condition = join.filter.as_ref().map(|filter| Expression::compile(filter, &pairs)).transpose()?;
    let fields = pairs.as_arrow().fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    let key_fields = left_on.iter().map(|expr| Ok(Field::new("key", expr.get_type(join.left.schema())?, true)));
    let mut properties = Properties {
        append_only: left.append_only && right_read.append_only && matches!(join.join_type, JoinType::Inner),
        key: key_of(join, &right, &on, (&left.key, &right_read.key)),
        ..Properties::default()
    };
    // A semi join of append-only inputs only ever gains rows.
    properties.append_only |= left.append_only && right_read.append_only && left_keep == Keep::Matched;
    properties.reads(&left);
    properties.reads(&right_read);
    let plan = JoinPlan {
        left_keys: Expression::compile_all(&left_on, join.left.schema())?,
        right_keys: Expression::compile_all(&right_on, right.schema())?,
        key_fields: key_fields.collect::<Result<_, ViewsError>>()?,
        null_matches,
        condition,
        gives_pairs,
        left_keep,
        right_keep,
        pair_schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
        schema: Arc::clone(join.schema.inner()),
        text: text(join),
    };
    Ok(Lowered::of(Box::new(Join::new(left_node, right_node, plan)?), properties))
}

/// The right side of a join that only asks whether there is a match: without a further condition, each key once. So a
/// key with many rows costs no more than one with a single row.
fn thin(join: &JoinNode) -> Result<(LogicalPlan, Vec<(Expr, Expr)>), ViewsError> {
    if join.filter.is_some() || join.on.is_empty() {
        return Ok((join.right.as_ref().clone(), join.on.clone()));
    }
    let name = |index: usize| format!("__key{index}");
    let keys = join.on.iter().enumerate().map(|(index, (_, right))| right.clone().alias(name(index)));
    let right = LogicalPlanBuilder::from(join.right.as_ref().clone()).project(keys)?.distinct()?.build()?;
    let column = |index: usize| Expr::Column(Column::new_unqualified(name(index)));
    let on = join.on.iter().enumerate().map(|(index, (left, _))| (left.clone(), column(index))).collect();
    Ok((right, on))
}

/// `x NOT IN (SELECT y …)` is NULL for every x as soon as one y is NULL: no join of rows by key.
fn check_null_aware(join: &JoinNode) -> Result<(), ViewsError> {
    let nullable = |expr: &Expr, side: &LogicalPlan| expr.nullable(side.schema()).unwrap_or(true);
    let may_be_null = join.on.iter().any(|(left, right)| nullable(left, &join.left) || nullable(right, &join.right));
    if join.null_aware && may_be_null {
        return Err(ViewsError::refused(
            "NOT IN (SELECT …)",
            "one NULL among the values would empty the whole result",
            "write NOT EXISTS (SELECT 1 FROM … WHERE y = x)",
        ));
    }
    Ok(())
}

/// Columns that identify a row of the result.
fn key_of(
    join: &JoinNode,
    right: &LogicalPlan,
    on: &[(Expr, Expr)],
    (left_key, right_key): (&[usize], &[usize]),
) -> Vec<usize> {
    let covers = |key: &[usize], columns: Vec<Option<usize>>| {
        !key.is_empty() && key.iter().all(|column| columns.contains(&Some(*column)))
    };
    let shift = join.left.schema().fields().len();
    let one_right = covers(right_key, on.iter().map(|(_, expr)| column_index(expr, right)).collect());
    let one_left = covers(left_key, on.iter().map(|(expr, _)| column_index(expr, &join.left)).collect());
    let shifted = || right_key.iter().map(|column| column + shift).collect::<Vec<_>>();
    match join.join_type {
        JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left_key.to_vec(),
        JoinType::Inner | JoinType::Left if one_right && !left_key.is_empty() => left_key.to_vec(),
        JoinType::Inner | JoinType::Right if one_left && !right_key.is_empty() => shifted(),
        _ if left_key.is_empty() || right_key.is_empty() => Vec::new(),
        _ => left_key.iter().copied().chain(shifted()).collect(),
    }
}

fn text(join: &JoinNode) -> String {
    let on = join.on.iter().map(|(left, right)| format!("{left} = {right}"));
    let conditions: Vec<String> =
        on.chain(join.filter.iter().map(|filter| filter.human_display().to_string())).collect();
    let kind = join.join_type.to_string().to_lowercase();
    if conditions.is_empty() {
        format!("{kind} join with every row")
    } else {
        format!("{kind} join on {}", conditions.join(" AND "))
    }
}

fn refused(join: &JoinNode, why: &str, instead: &str) -> ViewsError {
    let kind = match join.join_type {
        JoinType::Inner => "JOIN".to_owned(),
        other => format!("{} JOIN", other.to_string().to_uppercase()),
    };
    ViewsError::refused(kind, why, instead)
}
