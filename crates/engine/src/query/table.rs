//! Small tables made on the spot: system tables, `SHOW`, `EXPLAIN`.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use futures::stream;
use highwater_api::{Answer, ApiError};

use crate::core::Core;

/// A table that is put together column by column, all of one length.
#[derive(Default)]
pub(super) struct Table {
    fields: Vec<Field>,
    columns: Vec<ArrayRef>,
}

impl Table {
    /// Adds a column of texts.
    pub(super) fn text<T: Into<Option<String>>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values: StringArray = values.into_iter().map(Into::into).collect();
        self.column(name, Arc::new(values))
    }

    /// Adds a column of whole numbers; those beyond `BIGINT` become its largest.
    pub(super) fn number<T: Into<Option<u64>>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let narrow = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let values: Int64Array = values.into_iter().map(|value| value.into().map(narrow)).collect();
        self.column(name, Arc::new(values))
    }

    /// Adds a column of fractions.
    pub(super) fn fraction<T: Into<Option<f64>>>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values: Float64Array = values.into_iter().map(Into::into).collect();
        self.column(name, Arc::new(values))
    }

    /// Adds a column of truth values.
    pub(super) fn flag(self, name: &str, values: impl IntoIterator<Item = bool>) -> Self {
        let values: BooleanArray = values.into_iter().map(Some).collect();
        self.column(name, Arc::new(values))
    }

    /// Adds a column of points in time, in microseconds since 1970 UTC.
    pub(super) fn time(self, name: &str, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        let values: TimestampMicrosecondArray = values.into_iter().collect();
        self.column(name, Arc::new(values.with_timezone("UTC")))
    }

    fn column(mut self, name: &str, values: ArrayRef) -> Self {
        self.fields.push(Field::new(name, values.data_type().clone(), true));
        self.columns.push(values);
        self
    }

    /// The rows.
    pub(super) fn rows(self) -> Result<RecordBatch, ApiError> {
        let rows = self.columns.first().map_or(0, |column| column.len());
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(self.fields)), self.columns, &options)
            .map_err(|error| ApiError::internal(format!("a system table: {error}")))
    }
}

/// Rows at hand as an answer at the current version.
pub(super) fn answer(core: &Core, rows: RecordBatch) -> Answer {
    let version = core.reader.read().version();
    Answer { schema: rows.schema(), rows: Box::pin(stream::iter([Ok(rows)])), version }
}
