//! Least and greatest value and number of NULLs of each column of a file, for readers that skip files.
//!
//! They are bounds, not values: texts are cut, and what cannot be said exactly in the table's log (a NaN, an infinity, a
//! year beyond 9999) leaves a column without bounds. A reader may then not skip the file.

use std::sync::Arc;

use arrow_arith::aggregate::{max, max_string, min, min_string};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Int64Type, TimestampMicrosecondType};
use arrow_array::types::{Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type};
use arrow_array::{Array, ArrayRef, ArrowNumericType, PrimitiveArray, StringArray};
use arrow_schema::{ArrowError, DataType, Field, TimeUnit};
use arrow_select::concat::concat;

/// Texts are cut to so many characters.
const TEXT_CHARACTERS: usize = 64;

/// What is known of a column of one file.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnRange {
    /// The column.
    pub name: String,
    /// How many values are NULL; `None` for structs, and when it was not written down.
    pub nulls: Option<u64>,
    /// No value that is not NULL is less; one row of the stored type. `None`: nothing is known.
    pub min: Option<ArrayRef>,
    /// No value that is not NULL is greater; one row of the stored type. `None`: nothing is known.
    pub max: Option<ArrayRef>,
}

/// Gathers the bounds of one column, batch by batch.
#[derive(Debug)]
pub(crate) struct Bounds {
    name: String,
    /// Not of structs, of which a table's log counts each field.
    nulls: Option<u64>,
    extremes: Option<ArrayRef>,
}

impl Bounds {
    /// Nothing seen yet of a column.
    pub(crate) fn new(field: &Field) -> Self {
        let counted = !matches!(field.data_type(), DataType::Struct(_));
        Self { name: field.name().clone(), nulls: counted.then_some(0), extremes: None }
    }

    /// Takes in some values.
    pub(crate) fn update(&mut self, values: &ArrayRef) -> Result<(), ArrowError> {
        self.nulls = self.nulls.map(|nulls| nulls + values.logical_null_count() as u64);
        let Some(found) = extremes(values) else { return Ok(()) };
        self.extremes = match self.extremes.take() {
            Some(known) => extremes(&concat(&[&known, &found])?),
            None => Some(found),
        };
        Ok(())
    }

    /// The range, as it can be written down.
    pub(crate) fn finish(self) -> ColumnRange {
        let (min, max) = match self.extremes {
            Some(extremes) => sayable(&extremes),
            None => (None, None),
        };
        ColumnRange { name: self.name, nulls: self.nulls, min, max }
    }
}

/// Two rows: the least and the greatest value; none when there is no value or the type has no bounds.
fn extremes(values: &ArrayRef) -> Option<ArrayRef> {
    match values.data_type() {
        DataType::Int8 => of::<Int8Type>(values),
        DataType::Int16 => of::<Int16Type>(values),
        DataType::Int32 => of::<Int32Type>(values),
        DataType::Int64 => of::<Int64Type>(values),
        DataType::Float32 => of::<Float32Type>(values),
        DataType::Float64 => of::<Float64Type>(values),
        DataType::Date32 => of::<Date32Type>(values),
        DataType::Decimal128(_, 0) => of::<Decimal128Type>(values),
        DataType::Timestamp(TimeUnit::Microsecond, _) => of::<TimestampMicrosecondType>(values),
        DataType::Utf8 => {
            let texts = values.as_string::<i32>();
            Some(Arc::new(StringArray::from(vec![min_string(texts)?, max_string(texts)?])))
        }
        _ => None,
    }
}

fn of<T: ArrowPrimitiveType + ArrowNumericType>(values: &ArrayRef) -> Option<ArrayRef> {
    let array = values.as_primitive::<T>();
    let extremes = PrimitiveArray::<T>::from_iter_values([min(array)?, max(array)?]);
    Some(Arc::new(extremes.with_data_type(values.data_type().clone())))
}

/// The bounds that a table's log can say, from the two extremes.
fn sayable(extremes: &ArrayRef) -> (Option<ArrayRef>, Option<ArrayRef>) {
    let both = || (Some(extremes.slice(0, 1)), Some(extremes.slice(1, 1)));
    match extremes.data_type() {
        DataType::Float32 => floats::<Float32Type>(extremes, |value| value.is_finite(), 0.0),
        DataType::Float64 => floats::<Float64Type>(extremes, |value| value.is_finite(), 0.0),
        DataType::Decimal128(..) => {
            let fits = extremes
                .as_primitive::<Decimal128Type>()
                .values()
                .iter()
                .all(|value| i64::try_from(*value).is_ok() || u64::try_from(*value).is_ok());
            if fits { both() } else { (None, None) }
        }
        DataType::Date32 | DataType::Timestamp(..) => match super::days_of(extremes) {
            Ok(days) if days.null_count() == 0 => both(),
            _ => (None, None),
        },
        DataType::Utf8 => {
            let texts = extremes.as_string::<i32>();
            let text = |text: &str| Arc::new(StringArray::from(vec![text])) as ArrayRef;
            (Some(text(cut(texts.value(0)).0)), greatest(texts.value(1)).as_deref().map(text))
        }
        _ => both(),
    }
}

/// Zeros get the sign that includes the other one: not every reader tells them apart.
fn floats<T: ArrowPrimitiveType>(
    extremes: &ArrayRef,
    finite: impl Fn(T::Native) -> bool,
    zero: T::Native,
) -> (Option<ArrayRef>, Option<ArrayRef>)
where
    T::Native: std::ops::Neg<Output = T::Native> + PartialEq,
{
    let values = extremes.as_primitive::<T>().values();
    if !values.iter().all(|value| finite(*value)) {
        return (None, None);
    }
    let one = |value| Some(Arc::new(PrimitiveArray::<T>::from_iter_values([value])) as ArrayRef);
    let min = if values[0] == zero { -zero } else { values[0] };
    let max = if values[1] == zero { zero } else { values[1] };
    (one(min), one(max))
}

fn cut(text: &str) -> (&str, Option<char>) {
    match text.char_indices().nth(TEXT_CHARACTERS) {
        Some((end, next)) => (&text[..end], Some(next)),
        None => (text, None),
    }
}

/// A text that is not less: the cut one with the greatest character after it, unless that one is there itself.
fn greatest(text: &str) -> Option<String> {
    match cut(text) {
        (text, None) => Some(text.to_owned()),
        (_, Some(char::MAX)) => None,
        (text, Some(_)) => Some(format!("{text}{}", char::MAX)),
    }
}
