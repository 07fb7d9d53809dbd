//! Lowering of `GROUPING SETS`, `ROLLUP` and `CUBE`: rows repeated for every set, then one aggregate; and one without
//! groups for the grand total, which is there even when there are no rows.

use std::sync::Arc;

use arrow_schema::{Field, Schema, SchemaRef};
use highwater_sql::datafusion::common::{DFSchema, ScalarValue};
use highwater_sql::datafusion::logical_expr::{Aggregate as AggregatePlan, Expr, ExprSchemable, GroupingSet as Sets};

use crate::ViewsError;
use crate::expression::Expression;
use crate::operator::{Expand, GroupingSet, Stage};

/// The groupings of an aggregate.
pub(super) struct Groupings {
    /// The stage that repeats rows, its columns, and the group columns among them; without the grand total.
    pub(super) repeated: Option<(Stage, SchemaRef, Vec<Expression>)>,
    /// For the grand total, what makes a row of the result of its aggregates.
    pub(super) total: Option<Stage>,
}

pub(super) fn groupings(plan: &AggregatePlan, sets: &Sets) -> Result<Groupings, ViewsError> {
    let input = plan.input.schema();
    let exprs: Vec<Expr> = sets.distinct_expr().into_iter().cloned().collect();
    let mut masks: Vec<Vec<bool>> = match sets {
        Sets::Rollup(listed) => {
            let leaves_out = |kept: usize| exprs.iter().map(|expr| !listed[..kept].contains(expr)).collect();
            (0..=listed.len()).map(leaves_out).collect()
        }
        Sets::Cube(listed) if listed.len() > 12 => {
            return Err(ViewsError::refused(
                "CUBE",
                "it has more than 12 columns",
                "list the groupings by GROUPING SETS",
            ));
        }
        Sets::Cube(listed) => {
            let kept = |bits: usize, expr: &Expr| {
                listed.iter().enumerate().any(|(at, listed)| bits >> at & 1 == 1 && listed == expr)
            };
            (0..1_usize << listed.len()).map(|bits| exprs.iter().map(|expr| !kept(bits, expr)).collect()).collect()
        }
        Sets::GroupingSets(listed) => {
            listed.iter().map(|set| exprs.iter().map(|expr| !set.contains(expr)).collect()).collect()
        }
    };
    let columns = exprs.len();
    masks.sort_unstable();
    if columns > 64 || masks.windows(2).any(|pair| pair[0] == pair[1]) {
        let instead = "name every grouping once, or write one materialized view for each";
        return Err(ViewsError::refused(
            "GROUPING SETS",
            "a grouping is listed twice, or has over 64 columns",
            instead,
        ));
    }
    let sets = masks.into_iter().map(|leaves_out| {
        let id = leaves_out.iter().fold(0, |id, left_out| id << 1 | u64::from(*left_out));
        GroupingSet { leaves_out, id }
    });
    let (totals, sets): (Vec<GroupingSet>, Vec<GroupingSet>) =
        sets.partition(|set| set.leaves_out.iter().all(|left_out| *left_out));
    let total = totals.first().map(|set| total_row(plan, columns, set.id)).transpose()?;
    if sets.is_empty() {
        return Ok(Groupings { repeated: None, total });
    }
    let mut fields: Vec<Field> = input.fields().iter().map(|field| field.as_ref().clone()).collect();
    for (at, expr) in exprs.iter().enumerate() {
        fields.push(Field::new(format!("__group{at}"), expr.get_type(input)?, true));
    }
    let number = plan.schema.field(columns).as_ref().clone();
    fields.push(Field::new("__grouping", number.data_type().clone(), false));
    let schema = Arc::new(Schema::new(fields));
    let own = input.fields().len();
    let groups = (own..=own + columns).map(|column| Expression::column(column, &schema)).collect();
    let text = plan.group_expr.iter().map(|expr| expr.human_display().to_string()).collect::<Vec<_>>().join(", ");
    let expand = Expand { columns: Expression::compile_all(&exprs, input)?, sets, schema: Arc::clone(&schema) };
    Ok(Groupings { repeated: Some((Stage::Expand { expand, text }, schema, groups)), total })
}

/// NULL for every group column, the set's number, then the aggregates.
fn total_row(plan: &AggregatePlan, columns: usize, id: u64) -> Result<Stage, ViewsError> {
    let nothing = DFSchema::empty();
    let fields = plan.schema.fields();
    let constant = |value: ScalarValue| Expression::compile(&Expr::Literal(value, None), &nothing);
    let mut values = Vec::with_capacity(fields.len());
    for field in fields.iter().take(columns) {
        values.push(constant(ScalarValue::try_from(field.data_type())?)?);
    }
    values.push(constant(ScalarValue::UInt64(Some(id)).cast_to(fields[columns].data_type())?)?);
    let aggregates = Schema::new(fields.iter().skip(columns + 1).cloned().collect::<Vec<_>>());
    values.extend((0..aggregates.fields().len()).map(|column| Expression::column(column, &aggregates)));
    let text = "the grand total".to_owned();
    Ok(Stage::Project { columns: values, schema: Arc::clone(plan.schema.inner()), text })
}
