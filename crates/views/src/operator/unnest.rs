//! Unnesting: a row with a list becomes a row for each element. Row by row, so it remembers nothing. The work is done by
//! DataFusion's own operator, to which the weight is one more column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::concat::concat_batches;
use futures::executor::block_on;
use highwater_model::{ChangeBatch, Weights};
use highwater_sql::datafusion::common::UnnestOptions;
use highwater_sql::datafusion::datasource::memory::MemorySourceConfig;
use highwater_sql::datafusion::execution::TaskContext;
use highwater_sql::datafusion::physical_plan::collect;
use highwater_sql::datafusion::physical_plan::unnest::{ListUnnest, UnnestExec};

use crate::ViewsError;

/// Which columns are unnested.
pub(crate) struct Unnest {
    /// Columns that are lists, and how deep.
    lists: Vec<(usize, usize)>,
    /// Columns that are structures.
    structs: Vec<usize>,
    /// Columns of the result.
    schema: SchemaRef,
    options: UnnestOptions,
}

impl Unnest {
    /// Unnests these columns of the input; `schema` is that of the result.
    pub(crate) fn new(
        lists: Vec<(usize, usize)>,
        structs: Vec<usize>,
        schema: SchemaRef,
        options: UnnestOptions,
    ) -> Self {
        Self { lists, structs, schema, options }
    }

    /// The unnested rows; `None` when there are none.
    pub(crate) fn apply(&self, change: &ChangeBatch) -> Result<Option<ChangeBatch>, ViewsError> {
        let weights: ArrayRef = match &change.weights {
            Weights::AllPlusOne => Arc::new(Int64Array::from_value(1, change.len())),
            Weights::Each(weights) => Arc::new(Int64Array::from(weights.to_vec())),
        };
        let weighted = with_weight(&change.rows.schema());
        let columns = change.rows.columns().iter().cloned().chain([weights]).collect();
        let rows = RecordBatch::try_new(Arc::clone(&weighted), columns)?;
        let source = MemorySourceConfig::try_new_exec(&[vec![rows]], weighted, None)?;
        let list = |&(index_in_input_schema, depth): &(usize, usize)| ListUnnest { index_in_input_schema, depth };
        let result = with_weight(&self.schema);
        let lists = self.lists.iter().map(list).collect();
        let unnest = UnnestExec::new(source, lists, self.structs.clone(), Arc::clone(&result), self.options.clone())?;
        // Nothing in it waits: the rows are at hand.
        let batches = block_on(collect(Arc::new(unnest), Arc::new(TaskContext::default())))?;
        let rows = concat_batches(&result, &batches)?;
        if rows.num_rows() == 0 {
            return Ok(None);
        }
        let (own, weights) = rows.columns().split_at(self.schema.fields().len());
        let weights = match change.weights {
            Weights::AllPlusOne => Weights::AllPlusOne,
            Weights::Each(_) => Weights::Each(weights[0].as_primitive::<Int64Type>().values().to_vec().into()),
        };
        Ok(Some(ChangeBatch { rows: RecordBatch::try_new(Arc::clone(&self.schema), own.to_vec())?, weights }))
    }
}

fn with_weight(schema: &SchemaRef) -> SchemaRef {
    let own = schema.fields().iter().map(|field| field.as_ref().clone());
    Arc::new(Schema::new(own.chain([Field::new("_weight", DataType::Int64, false)]).collect::<Vec<_>>()))
}
