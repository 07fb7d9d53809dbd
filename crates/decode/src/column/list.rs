//! List columns: a JSON list of values of one type.

use std::sync::Arc;

use arrow_array::{ArrayRef, ListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, FieldRef};
use jiter::{Jiter, Peek};

use super::{ColumnBuilder, ColumnPlan};
use crate::fault::{Fault, Outcome};
use crate::json;

/// The items of a list column, end to end.
#[derive(Debug)]
pub(super) struct ListBuilder {
    item: FieldRef,
    ends: Vec<i32>,
    items: ColumnBuilder,
}

impl ListBuilder {
    pub(super) fn new(item: FieldRef, plan: &ColumnPlan, rows: usize, stored: bool) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { item, ends, items: ColumnBuilder::new(plan, rows, stored) }
    }

    pub(super) fn push(&mut self, json: &mut Jiter, depth: usize) -> Outcome {
        let depth = json::deeper(depth)?;
        let start = self.items.len();
        let mut next = json.known_array()?;
        while let Some(peek) = next {
            let appended = if peek == Peek::Null {
                json.known_null()?;
                self.items.append_missing().map_err(|_| null_item())
            } else {
                self.items.append_json(json, peek, depth)
            };
            appended.map_err(|fault| fault.within(&format!("[{}]", self.items.len() - start)))?;
            next = json.array_step()?;
        }
        self.close();
        Ok(())
    }

    /// Ends a list (or a NULL).
    pub(super) fn close(&mut self) {
        self.ends.push(self.items.len() as i32);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.items.truncate(self.ends[len] as usize);
    }

    pub(super) fn finish(self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        Ok(Arc::new(ListArray::try_new(self.item, offsets, self.items.finish()?, nulls)?))
    }
}

#[cold]
fn null_item() -> Box<Fault> {
    Box::new(Fault::Value { column: None, reason: "null is not allowed in this list".to_owned() })
}
