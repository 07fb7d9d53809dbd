//! Rows as CSV (RFC 4180): header line first, lines end with CR LF, NULL is empty. Values are written as in JSON;
//! a struct, list or map is its JSON text.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_csv::WriterBuilder;
use arrow_csv::writer::Terminator;
use arrow_json::writer::{EncoderOptions, make_encoder};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Schema, SchemaRef};

use super::write::Encode;

/// The encoder.
pub(crate) struct Csv {
    /// The answer's schema with nested columns as text.
    flat: SchemaRef,
}

impl Csv {
    pub(crate) fn new(schema: &Schema) -> Self {
        let flat = |field: &FieldRef| {
            if field.data_type().is_nested() {
                Arc::new(Field::new(field.name(), DataType::Utf8, true))
            } else {
                field.clone()
            }
        };
        Self { flat: Arc::new(Schema::new(schema.fields().iter().map(flat).collect::<Vec<_>>())) }
    }

    fn write(batch: &RecordBatch, header: bool) -> Result<Vec<u8>, ArrowError> {
        let mut out = Vec::new();
        WriterBuilder::new().with_header(header).with_line_terminator(Terminator::CRLF).build(&mut out).write(batch)?;
        Ok(out)
    }
}

impl Encode for Csv {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        Self::write(&RecordBatch::new_empty(self.flat.clone()), true)
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let schema = batch.schema();
        let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| flattened(column, field));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_, _>>()?;
        // The batch's own schema, not the answer's: only the types must fit here.
        let fields: Vec<Field> = columns
            .iter()
            .zip(self.flat.fields())
            .map(|(column, field)| Field::new(field.name(), column.data_type().clone(), true))
            .collect();
        Self::write(&RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?, false)
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(Vec::new())
    }
}

/// A nested column as JSON text; any other as it is.
fn flattened(column: &ArrayRef, field: &FieldRef) -> Result<ArrayRef, ArrowError> {
    if !column.data_type().is_nested() {
        return Ok(column.clone());
    }
    let options = EncoderOptions::default().with_explicit_nulls(true);
    let mut encoder = make_encoder(field, column.as_ref(), &options)?;
    let text = |row: usize| {
        if encoder.is_null(row) {
            return Ok(None);
        }
        let mut out = Vec::new();
        encoder.encode(row, &mut out);
        String::from_utf8(out).map(Some).map_err(|error| ArrowError::CsvError(error.to_string()))
    };
    let texts: Vec<Option<String>> = (0..column.len()).map(text).collect::<Result<_, _>>()?;
    Ok(Arc::new(StringArray::from(texts)))
}
