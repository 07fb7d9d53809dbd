//! Which rows of a chain the conditions above it leave: those of a key, of some ranks, or the first of an order.

use arrow_schema::DataType;
use highwater_sql::datafusion::common::ScalarValue;
use highwater_sql::datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator, SortExpr};
use highwater_views::{PlaceRange, RankCall, RankRows};

use super::calls::{Output, output_of};
use super::chain::{Chain, unaliased};
use crate::query::keys::{Wanted, wanted};

/// Ranks from and to, both included.
#[derive(Clone, Copy)]
struct Ranks {
    first: u64,
    last: u64,
}

impl Chain {
    /// The rows that these conditions over the ranked rows, and those below the windows, leave; `None` when an index is of
    /// no use for them.
    pub(super) fn wanted(&self, conditions: &[Expr]) -> Option<RankRows> {
        let (schema, key) = (&self.source.schema, &self.source.key);
        let all: Vec<Expr> = conditions.iter().chain(&self.filters).chain(&self.scan.filters).cloned().collect();
        let by_key = wanted(&all, schema, key);
        if let Wanted::Keys(keys) = by_key {
            return Some(RankRows::Keys(keys));
        }
        for (at, call) in self.calls.iter().enumerate() {
            let Some(by) = place_range(call) else { continue };
            let name = self.call_fields[at].name();
            let ranges: Vec<Ranks> = conditions.iter().filter_map(|condition| ranks(condition, name)).collect();
            if !ranges.is_empty() {
                let first = ranges.iter().map(|range| range.first).max().unwrap_or(1);
                let last = ranges.iter().map(|range| range.last).min().unwrap_or(u64::MAX);
                return Some(self.places(&all, PlaceRange { first, last, ..by }));
            }
        }
        match by_key {
            Wanted::Parts(parts) => {
                let finer = parts.into_iter().find(|(column, _)| !self.index.partition.contains(column));
                finer.map(|(column, values)| RankRows::Part(column, values))
            }
            Wanted::Keys(_) | Wanted::All => None,
        }
    }

    /// The rows that a sort above keeps when it keeps only so many, the conditions between leaving whole partitions.
    pub(super) fn wanted_first(
        &self,
        conditions: &[Option<Expr>],
        sorted_by: &Output,
        fetch: usize,
    ) -> Option<RankRows> {
        let Output::Call(call) = sorted_by else { return None };
        let known: Vec<Expr> = conditions.iter().cloned().collect::<Option<_>>()?;
        if !known.iter().all(|condition| self.is_of_partition(condition)) {
            return None;
        }
        let by = place_range(self.calls.get(*call)?)?;
        let all: Vec<Expr> = known.iter().chain(&self.filters).chain(&self.scan.filters).cloned().collect();
        Some(self.places(&all, PlaceRange { first: 1, last: fetch as u64, ..by }))
    }

    fn places(&self, conditions: &[Expr], range: PlaceRange) -> RankRows {
        let partitions = match wanted(conditions, &self.source.schema, &self.index.partition) {
            Wanted::Keys(partitions) => Some(partitions),
            Wanted::Parts(_) | Wanted::All => None,
        };
        // All columns of an index together tell any two rows apart: so they give row numbers.
        let all = self.index.columns.len() - self.index.partition.len();
        RankRows::Places { partitions, range: PlaceRange { order: range.order.min(all), ..range } }
    }
}

/// The order in which a call counts places.
fn place_range(call: &RankCall) -> Option<PlaceRange> {
    let (order, reversed) = match call {
        RankCall::Rank { order, reversed } => (*order, *reversed),
        RankCall::RowNumber { reversed } => (usize::MAX, *reversed),
        _ => return None,
    };
    Some(PlaceRange { first: 1, last: u64::MAX, order, reversed })
}

/// The ranks that a comparison of this column with a constant leaves.
fn ranks(condition: &Expr, name: &str) -> Option<Ranks> {
    let all = Ranks { first: 1, last: u64::MAX };
    let BinaryExpr { left, op, right } = match condition {
        Expr::BinaryExpr(binary) => binary,
        Expr::Between(between) if !between.negated && is_column(&between.expr, name) => {
            let (low, high) = (whole(&between.low)?, whole(&between.high)?);
            return Some(Ranks { first: at_least(low), last: at_most(high) });
        }
        _ => return None,
    };
    let (op, value) = if is_column(left, name) {
        (*op, whole(right)?)
    } else if is_column(right, name) {
        (op.swap()?, whole(left)?)
    } else {
        return None;
    };
    Some(match op {
        Operator::Eq => Ranks { first: at_least(value), last: at_most(value) },
        Operator::Lt => Ranks { last: at_most(value.checked_sub(1)?), ..all },
        Operator::LtEq => Ranks { last: at_most(value), ..all },
        Operator::Gt => Ranks { first: at_least(value.checked_add(1)?), ..all },
        Operator::GtEq => Ranks { first: at_least(value), ..all },
        _ => return None,
    })
}

fn at_least(value: i128) -> u64 {
    u64::try_from(value.max(1)).unwrap_or(u64::MAX)
}

fn at_most(value: i128) -> u64 {
    u64::try_from(value.max(0)).unwrap_or(u64::MAX)
}

/// Whether an expression is this column, perhaps as another type of whole numbers.
fn is_column(expr: &Expr, name: &str) -> bool {
    match expr {
        Expr::Column(column) => column.name == name,
        Expr::Cast(cast) => cast.field.data_type().is_integer() && is_column(&cast.expr, name),
        _ => false,
    }
}

/// A whole number.
fn whole(expr: &Expr) -> Option<i128> {
    let Expr::Literal(value, _) = expr else { return None };
    if !value.data_type().is_integer() {
        return None;
    }
    match value {
        ScalarValue::UInt64(Some(value)) => Some(i128::from(*value)),
        value => match value.cast_to(&DataType::Int64).ok()? {
            ScalarValue::Int64(Some(value)) => Some(i128::from(value)),
            _ => None,
        },
    }
}

/// What the first of these sort expressions sorts by, seen through projections down to the node above a chain; only
/// in rising order.
pub(super) fn sorted_by<'a>(
    sort: &[SortExpr],
    mut plan: &'a LogicalPlan,
    outputs: &dyn Fn(&LogicalPlan) -> Option<Vec<Output>>,
) -> Option<Output> {
    let first = sort.first().filter(|first| first.asc)?;
    let mut expr = uncast(&first.expr).clone();
    loop {
        if let Some(outputs) = outputs(plan) {
            return output_of(&expr, plan.schema(), &outputs);
        }
        plan = match plan {
            LogicalPlan::Projection(projection) => {
                let Expr::Column(column) = &expr else { return None };
                let at = projection.schema.maybe_index_of_column(column)?;
                expr = uncast(unaliased(projection.expr.get(at)?)).clone();
                &projection.input
            }
            LogicalPlan::SubqueryAlias(alias) => {
                let Expr::Column(column) = &expr else { return None };
                let at = alias.schema.maybe_index_of_column(column)?;
                let (qualifier, field) = alias.input.schema().qualified_field(at);
                expr = Expr::Column(highwater_sql::datafusion::common::Column::new(qualifier.cloned(), field.name()));
                &alias.input
            }
            _ => return None,
        };
    }
}

/// An expression before it is made another type of whole numbers, which sorts alike.
fn uncast(expr: &Expr) -> &Expr {
    match expr {
        Expr::Cast(cast) if cast.field.data_type() == &DataType::Int64 => uncast(unaliased(&cast.expr)),
        other => other,
    }
}
