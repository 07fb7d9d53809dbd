//! Conditions so plain that they need no planner: `uuid = 7`, `day = DATE '2016-02-02' AND uuid = 7`. A read by key spends
//! more time on planning than on anything else; this recognises it from the syntax alone.

use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::DataType;
use datafusion::sql::sqlparser::ast::{BinaryOperator, DataType as SqlType, Expr, UnaryOperator, Value};
use std::sync::Arc;

use super::read::expression;
use crate::names::fold;

/// `column = constant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equality {
    /// The column's name, folded.
    pub column: String,
    constant: Constant,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Constant {
    /// Digits, perhaps after a minus.
    Whole(String),
    Text(String),
    Date(String),
}

/// The equalities of which a condition is the conjunction, each of another column; `None` when it is anything else.
#[must_use]
pub fn equalities(condition: &str) -> Option<Vec<Equality>> {
    let parsed = expression(condition, |parser| parser.parse_expr()).ok()?;
    let mut found: Vec<Equality> = Vec::new();
    collect(&parsed, &mut found)?;
    let repeated = found.iter().enumerate().any(|(at, one)| found[..at].iter().any(|other| other.column == one.column));
    (!repeated).then_some(found)
}

fn collect(expr: &Expr, found: &mut Vec<Equality>) -> Option<()> {
    match expr {
        Expr::Nested(inner) => collect(inner, found),
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            collect(left, found)?;
            collect(right, found)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            let (Expr::Identifier(ident), constant) = (left.as_ref(), right.as_ref()) else { return None };
            found.push(Equality { column: fold(ident), constant: constant_of(constant)? });
            Some(())
        }
        _ => None,
    }
}

fn constant_of(expr: &Expr) -> Option<Constant> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match expr {
        Expr::Value(value) => match &value.value {
            Value::Number(text, false) if digits(text) => Some(Constant::Whole(text.clone())),
            Value::SingleQuotedString(text) => Some(Constant::Text(text.clone())),
            _ => None,
        },
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match constant_of(expr)? {
            Constant::Whole(text) => Some(Constant::Whole(format!("-{text}"))),
            _ => None,
        },
        Expr::TypedString(typed) if typed.data_type == SqlType::Date => match &typed.value.value {
            Value::SingleQuotedString(text) => Some(Constant::Date(text.clone())),
            _ => None,
        },
        _ => None,
    }
}

impl Equality {
    /// The constant as one value of the column's type; `None` when only the planner knows what the comparison means.
    #[must_use]
    pub fn value(&self, column: &DataType) -> Option<ArrayRef> {
        let text = match (&self.constant, column) {
            (Constant::Whole(text), data_type) if data_type.is_integer() => text,
            (Constant::Text(text), DataType::Utf8) => text,
            (Constant::Date(text) | Constant::Text(text), DataType::Date32) if is_date(text) => text,
            _ => return None,
        };
        let text: ArrayRef = Arc::new(StringArray::from(vec![text.as_str()]));
        let value = cast_with_options(&text, column, &CastOptions { safe: true, ..CastOptions::default() }).ok()?;
        value.is_valid(0).then_some(value)
    }
}

/// `2016-02-02`, which means the same to everyone.
fn is_date(text: &str) -> bool {
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = text.split('-');
    matches!((parts.next(), parts.next(), parts.next(), parts.next()), (Some(year), Some(month), Some(day), None)
        if digits(year, 4) && digits(month, 2) && digits(day, 2))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn columns(condition: &str) -> Option<Vec<String>> {
        equalities(condition).map(|found| found.into_iter().map(|one| one.column).collect())
    }

    #[test]
    fn conjunctions_of_equalities_are_recognised() {
        assert_eq!(columns("uuid = 7").unwrap(), ["uuid"]);
        assert_eq!(
            columns("(UUID = -7) AND day = DATE '2016-02-02' AND \"Name\" = 'x'").unwrap(),
            ["uuid", "day", "Name"]
        );
    }

    #[test]
    fn anything_else_is_left_to_the_planner() {
        for condition in [
            "uuid = 7 OR uuid = 8",
            "uuid = 7 AND uuid = 8",
            "uuid > 7",
            "uuid = other",
            "t.uuid = 7",
            "NOT uuid = 7",
            "uuid = 7.5",
            "uuid = 7 + 1",
            "uuid = NULL",
            "uuid",
            "uuid = 7;",
            "",
            "7 = uuid",
        ] {
            assert_eq!(columns(condition), None, "{condition}");
        }
    }

    #[test]
    fn values_are_of_the_columns_type_or_none() {
        let value =
            |condition: &str, data_type| equalities(condition).unwrap()[0].value(&data_type).map(|value| value.len());
        assert_eq!(value("a = 7", DataType::Int16), Some(1));
        assert_eq!(value("a = 70000", DataType::Int16), None, "out of range");
        assert_eq!(value("a = '7'", DataType::Int64), None);
        assert_eq!(value("a = 7", DataType::Utf8), None);
        assert_eq!(value("a = '2016-02-30'", DataType::Date32), None, "no such day");
        assert_eq!(value("a = '2016-2-3'", DataType::Date32), None);
        assert_eq!(value("a = '2016-02-03'", DataType::Date32), Some(1));
        assert_eq!(value("a = 7", DataType::Float64), None, "0 and −0 are different keys");
    }
}
