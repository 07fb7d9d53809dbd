//! Rows as JSON: whole documents, one object a line, and the arrays inside subscription events.
//! Integers are JSON numbers whatever their size; times are RFC 3339 (`Z` for UTC), dates `YYYY-MM-DD`; NULL, NaN and
//! infinities are `null`; bytes are hexadecimal.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_json::writer::{JsonArray, JsonFormat, LineDelimited};
use arrow_json::{Writer, WriterBuilder};
use arrow_schema::{ArrowError, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::types::sql_type;
use super::write::Encode;

/// An answer as one JSON document.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Rows)]
pub struct RowsDocument {
    /// The columns in order.
    pub schema: Vec<ColumnDocument>,
    /// One object a row, with every column; NULL is `null`.
    #[schema(value_type = Vec<Object>)]
    pub rows: Vec<Map<String, Value>>,
    /// The version read.
    pub version: String,
}

/// A column of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Column)]
pub struct ColumnDocument {
    /// Its name.
    #[schema(example = "steps")]
    pub name: String,
    /// Its SQL type.
    #[serde(rename = "type")]
    #[schema(example = "BIGINT")]
    pub sql_type: String,
    /// Whether it may be NULL.
    pub nullable: bool,
}

/// The columns of a schema.
pub(crate) fn columns(schema: &Schema) -> Vec<ColumnDocument> {
    let column = |field: &arrow_schema::FieldRef| ColumnDocument {
        name: field.name().clone(),
        sql_type: sql_type(field.data_type()),
        nullable: field.is_nullable(),
    };
    schema.fields().iter().map(column).collect()
}

/// Objects separated by commas; the brackets are written around them.
#[derive(Debug, Default)]
struct CommaSeparated;

impl JsonFormat for CommaSeparated {
    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        writer.write_all(if is_first_row { b"\n" } else { b",\n" })?;
        Ok(())
    }
}

fn writer<F: JsonFormat>() -> Writer<Vec<u8>, F> {
    WriterBuilder::new().with_explicit_nulls(true).build(Vec::new())
}

/// Batches as one JSON array of objects, without line breaks.
pub(crate) fn rows_json(batches: &[RecordBatch]) -> Result<String, ArrowError> {
    let mut writer: Writer<Vec<u8>, JsonArray> = writer();
    for batch in batches {
        writer.write(batch)?;
    }
    writer.finish()?;
    let bytes = writer.into_inner();
    String::from_utf8(bytes).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// `{"schema": …, "rows": […], "version": …}`.
pub(crate) struct JsonDocument {
    writer: Writer<Vec<u8>, CommaSeparated>,
    columns: Vec<ColumnDocument>,
    version: String,
}

impl JsonDocument {
    pub(crate) fn new(schema: &Schema, version: String) -> Self {
        Self { writer: writer(), columns: columns(schema), version }
    }
}

impl Encode for JsonDocument {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(format!("{{\"schema\":{},\"rows\":[", json(&self.columns)?).into_bytes())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.writer.write(batch)?;
        Ok(std::mem::take(self.writer.get_mut()))
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(format!("\n],\"version\":{}}}\n", json(&self.version)?).into_bytes())
    }
}

fn json(value: &impl Serialize) -> Result<String, ArrowError> {
    serde_json::to_string(value).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// One object a line.
pub(crate) struct JsonLines(Writer<Vec<u8>, LineDelimited>);

impl JsonLines {
    pub(crate) fn new() -> Self {
        Self(writer())
    }
}

impl Encode for JsonLines {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(Vec::new())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.0.write(batch)?;
        Ok(std::mem::take(self.0.get_mut()))
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(Vec::new())
    }
}
