//! Rows as corpus files write them: NULL as `NULL`, the empty text as `(empty)`, floats in the shortest form that reads
//! back equal (with a dot), times in RFC 3339 with no, three or six digits of a second's fraction, nested values as
//! `[1, 2]` and `{a: 1}`. Line breaks are written `\n`.

use arrow_array::RecordBatch;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, DataType};
use sqllogictest::DefaultColumnType;

/// The rows as text, row by row.
pub(super) fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::default().with_null("NULL").with_display_error(false);
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
            .collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| cell(&column.value(row).to_string())).collect());
        }
    }
    Ok(rows)
}

fn cell(text: &str) -> String {
    if text.is_empty() { "(empty)".to_owned() } else { text.replace('\n', "\\n") }
}

/// The type letters of the columns: `I` integers, `R` other numbers, `T` everything else.
pub(super) fn types(batches: &[RecordBatch]) -> Vec<DefaultColumnType> {
    let Some(first) = batches.first() else { return Vec::new() };
    first
        .schema()
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            data_type if data_type.is_integer() => DefaultColumnType::Integer,
            DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) | DataType::Decimal256(..) => {
                DefaultColumnType::FloatingPoint
            }
            _ => DefaultColumnType::Text,
        })
        .collect()
}
