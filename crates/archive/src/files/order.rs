//! Rows of several batches in the order of files: by day, then by the sort columns, then as they came.

use arrow_array::{Array, ArrayRef, Date32Array, RecordBatch};
use arrow_row::{RowConverter, Rows, SortField};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave_record_batch;
use chrono::NaiveDate;

use crate::TableSpec;
use crate::stored::{date_of_day, days_of, to_stored};

/// Rows written or merged at a time.
pub(crate) const BATCH_ROWS: usize = 8192;

/// Rows in order, still where they came from.
pub(crate) struct Ordered {
    batches: Vec<RecordBatch>,
    days: Vec<Date32Array>,
    order: Vec<(usize, usize)>,
}

impl Ordered {
    /// Orders rows that have the columns of the spec.
    pub(crate) fn new(rows: &[RecordBatch], spec: &TableSpec) -> Result<Self, ArrowError> {
        let mut batches = Vec::with_capacity(rows.len());
        let mut days = Vec::with_capacity(rows.len());
        for batch in rows {
            days.push(days_of(batch.column(spec.schema.index_of(&spec.date_from)?))?);
            batches.push(to_stored(batch)?);
        }
        let keys = sort_keys(&batches, &days, &spec.sort_by)?;
        let mut order: Vec<(usize, usize)> = batches
            .iter()
            .enumerate()
            .flat_map(|(batch, rows)| (0..rows.num_rows()).map(move |row| (batch, row)))
            .collect();
        order.sort_by(|a, b| keys[a.0].row(a.1).cmp(&keys[b.0].row(b.1)));
        Ok(Self { batches, days, order })
    }

    /// The rows in batches, none of which has rows of two days.
    pub(crate) fn batches(&self) -> impl Iterator<Item = Result<(Option<NaiveDate>, RecordBatch), ArrowError>> + '_ {
        let sources: Vec<&RecordBatch> = self.batches.iter().collect();
        self.order.chunk_by(|a, b| self.day(*a) == self.day(*b)).flat_map(|day| day.chunks(BATCH_ROWS)).map(
            move |chunk| {
                let date = chunk.first().and_then(|first| self.day(*first)).and_then(date_of_day);
                Ok((date, interleave_record_batch(&sources, chunk)?))
            },
        )
    }

    fn day(&self, (batch, row): (usize, usize)) -> Option<i32> {
        let days = &self.days[batch];
        days.is_valid(row).then(|| days.value(row))
    }
}

fn sort_keys(batches: &[RecordBatch], days: &[Date32Array], sort_by: &[String]) -> Result<Vec<Rows>, ArrowError> {
    let Some(first) = batches.first() else { return Ok(Vec::new()) };
    let mut fields = vec![SortField::new(arrow_schema::DataType::Date32)];
    fields.extend(sort_fields(&first.schema(), sort_by)?);
    let converter = RowConverter::new(fields)?;
    batches
        .iter()
        .zip(days)
        .map(|(batch, days)| {
            let mut columns = vec![std::sync::Arc::new(days.clone()) as ArrayRef];
            columns.extend(sort_columns(batch, sort_by)?);
            converter.convert_columns(&columns)
        })
        .collect()
}

/// How rows of a schema are compared.
pub(super) fn sort_fields(schema: &SchemaRef, sort_by: &[String]) -> Result<Vec<SortField>, ArrowError> {
    sort_by.iter().map(|name| Ok(SortField::new(schema.field_with_name(name)?.data_type().clone()))).collect()
}

/// The columns by which rows are compared.
pub(super) fn sort_columns(batch: &RecordBatch, sort_by: &[String]) -> Result<Vec<ArrayRef>, ArrowError> {
    sort_by.iter().map(|name| Ok(batch.column(batch.schema().index_of(name)?).clone())).collect()
}
