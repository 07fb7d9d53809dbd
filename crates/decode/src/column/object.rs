//! Struct columns: a JSON object whose keys are the fields.

use std::sync::Arc;

use arrow_array::{ArrayRef, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{ArrowError, Fields};
use jiter::Jiter;

use super::{ColumnBuilder, ColumnPlan};
use crate::fault::Outcome;
use crate::record::{ObjectPlan, Orders, fill, walk};

/// The fields of a struct column.
#[derive(Debug)]
pub(super) struct StructBuilder {
    fields: Fields,
    object: Arc<ObjectPlan>,
    orders: Orders,
    children: Vec<ColumnBuilder>,
    len: usize,
}

impl StructBuilder {
    pub(super) fn new(
        fields: Fields,
        object: Arc<ObjectPlan>,
        children: &[ColumnPlan],
        rows: usize,
        stored: bool,
    ) -> Self {
        let children = children.iter().map(|plan| ColumnBuilder::new(plan, rows, stored)).collect();
        let orders = Orders::new(&object);
        Self { fields, object, orders, children, len: 0 }
    }

    pub(super) fn push(&mut self, json: &mut Jiter, depth: usize) -> Outcome {
        walk(&self.object, &mut self.orders, &mut self.children, self.len, json, depth)?;
        fill(&mut self.children, self.len)?;
        self.len += 1;
        Ok(())
    }

    pub(super) fn push_null(&mut self) {
        self.children.iter_mut().for_each(ColumnBuilder::append_null);
        self.len += 1;
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.children.iter_mut().for_each(|child| child.truncate(len));
        self.len = len;
    }

    pub(super) fn finish(self, len: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let children = self.children.into_iter().map(ColumnBuilder::finish).collect::<Result<_, _>>()?;
        Ok(Arc::new(StructArray::try_new_with_length(self.fields, children, nulls, len)?))
    }
}
