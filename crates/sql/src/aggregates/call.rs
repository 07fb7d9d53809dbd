//! A kernel as DataFusion calls it: which of the columns it hands over are the kernel's arguments.

use std::sync::Arc;

use datafusion::arrow::array::ArrayRef;
use highwater_aggregate::AggregateSpec;

/// A kernel and its arguments.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// The kernel.
    pub(super) spec: AggregateSpec,
    /// For each argument of the kernel the column that holds it. DataFusion hands over all arguments, constants
    /// included, and then the sort keys.
    pub(super) columns: Vec<usize>,
    /// Rows whose first argument is NULL are left out.
    pub(super) ignore_nulls: bool,
}

impl Call {
    /// The arguments among the columns that DataFusion hands over.
    pub(super) fn arguments(&self, values: &[ArrayRef]) -> Vec<ArrayRef> {
        self.columns.iter().map(|column| Arc::clone(&values[*column])).collect()
    }
}
