//! What filters say about keys and offsets: the rows to look up instead of reading a whole store, the offsets to read
//! instead of a whole stream. Everything found here only narrows; the filters themselves still run afterwards.

use std::collections::HashSet;

use arrow_array::ArrayRef;
use arrow_schema::{DataType, Field, Schema};
use highwater_model::{Offset, SystemColumn};
use highwater_sql::datafusion::common::ScalarValue;
use highwater_sql::datafusion::logical_expr::{BinaryExpr, Expr, Operator};

/// Keys looked up one by one at most; beyond, the whole store is read.
const MOST_KEYS: usize = 1024;

/// What filters say about the key of a store's rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    /// Rows with these keys, one array per key column.
    Keys(Vec<ArrayRef>),
    /// Rows with one of these different values in a column of the key, for each such column, fewest values first.
    Parts(Vec<(usize, ArrayRef)>),
    /// Any rows.
    All,
}

/// The rows of a store with this key that filters (which all hold) leave.
pub(super) fn wanted(filters: &[Expr], schema: &Schema, key: &[usize]) -> Wanted {
    let fixed = |column: &usize| {
        let field = schema.field(*column);
        filters.iter().filter_map(|filter| values_of(filter, field)).min_by_key(Vec::len)
    };
    let columns: Vec<Option<Vec<ScalarValue>>> = key.iter().map(fixed).collect();
    let complete: Option<Vec<Vec<ScalarValue>>> = columns.iter().cloned().collect();
    if let Some(keys) =
        complete.filter(|columns| !columns.is_empty()).and_then(|columns| combined(&columns, schema, key))
    {
        return Wanted::Keys(keys);
    }
    let parts = key.iter().zip(columns).filter_map(|(column, values)| {
        let values = values.filter(|values| values.len() <= MOST_KEYS)?;
        Some((*column, array_of(values, schema.field(*column).data_type())?))
    });
    let mut parts: Vec<(usize, ArrayRef)> = parts.collect();
    parts.sort_by_key(|(_, values)| values.len());
    if parts.is_empty() { Wanted::All } else { Wanted::Parts(parts) }
}

/// Every combination of the columns' values, one array per key column; `None` when there are too many.
fn combined(columns: &[Vec<ScalarValue>], schema: &Schema, key: &[usize]) -> Option<Vec<ArrayRef>> {
    let total = columns.iter().try_fold(1_usize, |total, values| total.checked_mul(values.len()))?;
    if total > MOST_KEYS {
        return None;
    }
    let mut repeat = total;
    let mut arrays = Vec::with_capacity(columns.len());
    for (values, column) in columns.iter().zip(key) {
        repeat /= values.len().max(1);
        let at = (0..total).map(|row| values[row / repeat % values.len()].clone());
        arrays.push(array_of(at.collect(), schema.field(*column).data_type())?);
    }
    Some(arrays)
}

fn array_of(values: Vec<ScalarValue>, data_type: &DataType) -> Option<ArrayRef> {
    if values.is_empty() {
        return Some(arrow_array::new_empty_array(data_type));
    }
    ScalarValue::iter_to_array(values).ok()
}

/// The values to which a filter confines a column, each once; `None` when it does not.
pub(super) fn values_of(filter: &Expr, field: &Field) -> Option<Vec<ScalarValue>> {
    if !is_comparable(field.data_type()) {
        return None;
    }
    let mut values = Vec::new();
    collect(filter, field, &mut values)?;
    let mut seen = HashSet::new();
    values.retain(|value| !value.is_null() && seen.insert(value.clone()));
    Some(values)
}

/// Types of which equal values have equal keys. Not so floats, whose 0 and −0 differ as keys.
fn is_comparable(data_type: &DataType) -> bool {
    data_type.is_integer()
        || data_type.is_temporal()
        || matches!(
            data_type,
            DataType::Utf8
                | DataType::LargeUtf8
                | DataType::Binary
                | DataType::Boolean
                | DataType::Decimal128(_, _)
                | DataType::Decimal256(_, _)
        )
}

fn collect(filter: &Expr, field: &Field, values: &mut Vec<ScalarValue>) -> Option<()> {
    let is_column = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == *field.name());
    let literal = |expr: &Expr| match expr {
        Expr::Literal(value, _) if value.data_type() == *field.data_type() => Some(value.clone()),
        _ => None,
    };
    match filter {
        Expr::Alias(alias) => collect(&alias.expr, field, values),
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            let value = if is_column(left) { right } else { left };
            if !is_column(left) && !is_column(right) {
                return None;
            }
            values.push(literal(value)?);
            Some(())
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            collect(left, field, values)?;
            collect(right, field, values)
        }
        Expr::InList(list) if !list.negated && is_column(&list.expr) && list.list.len() <= MOST_KEYS => {
            for item in &list.list {
                values.push(literal(item)?);
            }
            Some(())
        }
        // `flag = true` and `flag = false` are simplified to these.
        Expr::Column(_) if is_column(filter) && *field.data_type() == DataType::Boolean => {
            values.push(ScalarValue::Boolean(Some(true)));
            Some(())
        }
        Expr::Not(inner) if is_column(inner) && *field.data_type() == DataType::Boolean => {
            values.push(ScalarValue::Boolean(Some(false)));
            Some(())
        }
        _ => None,
    }
}

/// The offsets that a filter leaves, `first..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffsetRange {
    pub(super) first: Offset,
    pub(super) end: Offset,
}

impl OffsetRange {
    pub(super) const ALL: Self = Self { first: 0, end: Offset::MAX };

    /// What both leave.
    pub(super) fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), end: self.end.min(other.end) }
    }
}

/// The offsets that these filters leave together.
pub(super) fn offsets_of(filters: &[Expr]) -> OffsetRange {
    filters.iter().filter_map(offset_bound).fold(OffsetRange::ALL, OffsetRange::and)
}

/// The offsets that a comparison of `_offset` with a constant leaves; `None` when the filter is none.
pub(super) fn offset_bound(filter: &Expr) -> Option<OffsetRange> {
    let (op, value) = comparison(filter, SystemColumn::Offset.name())?;
    let ScalarValue::Int64(Some(value)) = value else { return None };
    let at = Offset::try_from(value).unwrap_or(0);
    let after = Offset::try_from(value.saturating_add(1)).unwrap_or(0);
    Some(match op {
        Operator::Eq => OffsetRange { first: at, end: after },
        Operator::Gt => OffsetRange { first: after, end: Offset::MAX },
        Operator::GtEq => OffsetRange { first: at, end: Offset::MAX },
        Operator::Lt => OffsetRange { first: 0, end: at },
        Operator::LtEq => OffsetRange { first: 0, end: after },
        _ => return None,
    })
}

/// The one partition that a filter leaves.
pub(super) fn partition_value(filter: &Expr) -> Option<i32> {
    match comparison(filter, SystemColumn::Partition.name())? {
        (Operator::Eq, ScalarValue::Int32(Some(partition))) => Some(partition),
        _ => None,
    }
}

/// A comparison of a column with a constant, the column on the left.
fn comparison(filter: &Expr, name: &str) -> Option<(Operator, ScalarValue)> {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return None };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), Expr::Literal(value, _)) if column.name == name => Some((*op, value.clone())),
        (Expr::Literal(value, _), Expr::Column(column)) if column.name == name => Some((op.swap()?, value.clone())),
        _ => None,
    }
}
