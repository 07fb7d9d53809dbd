//! Leaves: events of a stream, and changes of a table, keyed stream or view. They remember nothing.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray};
use arrow_schema::SchemaRef;
use highwater_model::{ChangeBatch, EventBatch, ObjectId, SystemColumn};

use super::{Node, OperatorFigures, Tick};
use crate::ViewsError;

/// The events of a stream: declared columns, then system columns, of which some are taken.
pub(crate) struct EventSource {
    stream: ObjectId,
    name: String,
    declared: usize,
    projection: Vec<usize>,
    schema: SchemaRef,
}

impl EventSource {
    /// Columns `projection` of a stream with `declared` columns; `schema` is that of the projection.
    pub(crate) fn new(
        stream: ObjectId,
        name: String,
        declared: usize,
        projection: Vec<usize>,
        schema: SchemaRef,
    ) -> Self {
        Self { stream, name, declared, projection, schema }
    }

    fn project(&self, events: &EventBatch) -> Result<RecordBatch, ViewsError> {
        let rows = events.rows.num_rows();
        let base = events.base_offset.cast_signed();
        let columns = self
            .projection
            .iter()
            .map(|&column| -> Result<ArrayRef, ViewsError> {
                if column < self.declared {
                    return Ok(events.rows.column(column).clone());
                }
                Ok(match SystemColumn::ALL.get(column - self.declared) {
                    Some(SystemColumn::Partition) => {
                        Arc::new(Int32Array::from_value(events.partition.0.cast_signed(), rows))
                    }
                    Some(SystemColumn::Offset) => Arc::new(Int64Array::from_iter_values(base..base + rows as i64)),
                    Some(SystemColumn::IngestedAt) => Arc::new(
                        TimestampMicrosecondArray::from_value(events.ingested_at_micros, rows).with_timezone("UTC"),
                    ),
                    None => return Err(ViewsError::Invariant(format!("stream {} has no column {column}", self.name))),
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?)
    }
}

impl Node for EventSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let old = tick.history.get(&self.stream).into_iter().flatten();
        let old = old.map(|rows| take(rows, self.declared, &self.projection, &self.schema));
        let new = tick.events.get(&self.stream).into_iter().flatten().map(|batch| self.project(batch));
        old.chain(new).map(|rows| Ok(ChangeBatch::inserts(rows?))).collect()
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        Vec::new()
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        Vec::new()
    }

    fn bytes(&self) -> usize {
        0
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        vec![OperatorFigures::nothing(format!("events of {} (append-only)", self.name))]
    }
}

/// Some columns of a batch, under the schema that the plan gives them: of an object with `declared` columns and then
/// system columns. A stream may have got columns since the plan was made: they stand between.
fn take(
    rows: &RecordBatch,
    declared: usize,
    projection: &[usize],
    schema: &SchemaRef,
) -> Result<RecordBatch, ViewsError> {
    let system = |column: usize| rows.num_columns() - SystemColumn::ALL.len() + (column - declared);
    let place = |column: usize| if column < declared { column } else { system(column) };
    let columns = projection.iter().map(|column| rows.column(place(*column)).clone()).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// The changes of a table, keyed stream or view.
pub(crate) struct RowSource {
    object: ObjectId,
    name: String,
    declared: usize,
    projection: Vec<usize>,
    schema: SchemaRef,
}

impl RowSource {
    /// Columns `projection` of an object with `declared` columns and then system columns; `schema` is that of the
    /// projection.
    pub(crate) fn new(
        object: ObjectId,
        name: String,
        declared: usize,
        projection: Vec<usize>,
        schema: SchemaRef,
    ) -> Self {
        Self { object, name, declared, projection, schema }
    }
}

impl Node for RowSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let Some(changes) = tick.rows.get(&self.object) else { return Ok(Vec::new()) };
        changes
            .iter()
            .map(|change| {
                let rows = take(&change.rows, self.declared, &self.projection, &self.schema)?;
                Ok(ChangeBatch { rows, weights: change.weights.clone() })
            })
            .collect()
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        Vec::new()
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        Vec::new()
    }

    fn bytes(&self) -> usize {
        0
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        vec![OperatorFigures::nothing(format!("rows of {} (updated and retracted)", self.name))]
    }
}
