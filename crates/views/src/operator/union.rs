//! `UNION ALL`: the changes of all inputs, side by side. Remembers nothing.

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::SchemaRef;
use highwater_model::ChangeBatch;

use super::{Node, OperatorFigures, Tick};
use crate::ViewsError;

/// The inputs' rows together.
pub(crate) struct Union {
    inputs: Vec<Box<dyn Node>>,
    schema: SchemaRef,
}

impl Union {
    /// The inputs have the same column types; `schema` names the result's columns.
    pub(crate) fn new(inputs: Vec<Box<dyn Node>>, schema: SchemaRef) -> Self {
        Self { inputs, schema }
    }
}

impl Node for Union {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let mut together = Vec::new();
        for input in &mut self.inputs {
            for change in input.step(tick)? {
                let options = RecordBatchOptions::new().with_row_count(Some(change.len()));
                let columns = change.rows.columns().to_vec();
                let rows = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
                together.push(ChangeBatch { rows, weights: change.weights });
            }
        }
        Ok(together)
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        self.inputs.iter().map(AsRef::as_ref).collect()
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        self.inputs.iter_mut().collect()
    }

    fn bytes(&self) -> usize {
        0
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        vec![OperatorFigures::nothing("union all")]
    }
}
