//! Several groupings at once (`GROUPING SETS`, `ROLLUP`, `CUBE`): each row is repeated for every set, with NULL for the
//! columns that the set leaves out and the set's number; one aggregate then does the rest. Remembers nothing.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt64Array, new_null_array};
use arrow_cast::cast;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use highwater_model::{ChangeBatch, Weights};
use std::sync::Arc;

use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};

/// One grouping.
pub(crate) struct GroupingSet {
    /// Which of the grouping columns it leaves out.
    pub(crate) leaves_out: Vec<bool>,
    /// Its number, as `GROUPING()` reads it.
    pub(crate) id: u64,
}

/// The groupings to repeat rows for.
pub(crate) struct Expand {
    /// All grouping columns.
    pub(crate) columns: Vec<Expression>,
    pub(crate) sets: Vec<GroupingSet>,
    /// Columns of the result: those of the input, the grouping columns, the set's number.
    pub(crate) schema: SchemaRef,
}

impl Expand {
    /// The rows, once for every set.
    pub(crate) fn apply(&self, change: &ChangeBatch) -> Result<ChangeBatch, ViewsError> {
        let groups = evaluate_all(&self.columns, &change.rows)?;
        let number = self.schema.field(self.schema.fields().len() - 1).data_type();
        let options = RecordBatchOptions::new().with_row_count(Some(change.len()));
        let mut batches = Vec::with_capacity(self.sets.len());
        for set in &self.sets {
            let mut columns: Vec<ArrayRef> = change.rows.columns().to_vec();
            for (group, left_out) in groups.iter().zip(&set.leaves_out) {
                columns.push(match left_out {
                    true => new_null_array(group.data_type(), change.len()),
                    false => Arc::clone(group),
                });
            }
            let ids: ArrayRef = Arc::new(UInt64Array::from_value(set.id, change.len()));
            columns.push(cast(&ids, number)?);
            batches.push(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?);
        }
        let weights = match &change.weights {
            Weights::AllPlusOne => Weights::AllPlusOne,
            Weights::Each(weights) => Weights::Each(weights.repeat(self.sets.len()).into()),
        };
        Ok(ChangeBatch { rows: concat_batches(&self.schema, &batches)?, weights })
    }
}
