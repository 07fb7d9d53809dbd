//! One column of one body: appends values read from JSON or text, and rolls back.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_buffer::NullBufferBuilder;
use arrow_schema::ArrowError;
use jiter::{Jiter, Peek};

use super::ColumnPlan;
use super::values::Values;
use crate::fault::{Fault, Outcome};

/// A growing column.
#[derive(Debug)]
pub(crate) struct ColumnBuilder {
    name: Arc<str>,
    nullable: bool,
    /// A value that does not fit is NULL.
    lenient: bool,
    len: usize,
    nulls: NullBufferBuilder,
    values: Values,
}

impl ColumnBuilder {
    /// An empty column with room for so many rows, of records that were `stored` or of new ones.
    pub(crate) fn new(plan: &ColumnPlan, rows: usize, stored: bool) -> Self {
        Self {
            name: plan.name.clone(),
            nullable: plan.nullable,
            lenient: stored && plan.added,
            len: 0,
            nulls: NullBufferBuilder::new(rows),
            values: Values::new(&plan.kind, rows, stored),
        }
    }

    /// SQL name, or the field's name inside a struct.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a value that does not fit is NULL: in stored records, of what was added after some of them.
    #[inline]
    pub(crate) fn is_lenient(&self) -> bool {
        self.lenient
    }

    /// Rows so far.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends the JSON value that starts with `peek`, which is not `null`. `depth` is how many levels may still open.
    #[inline]
    pub(crate) fn append_json(&mut self, json: &mut Jiter, peek: Peek, depth: usize) -> Outcome {
        self.values.push_json(json, peek, depth)?;
        self.appended();
        Ok(())
    }

    /// Appends a text: a field of a text layout or the content of a JSON string.
    #[inline]
    pub(crate) fn append_text(&mut self, text: &str, depth: usize) -> Outcome {
        self.values.push_text(text, depth)?;
        self.appended();
        Ok(())
    }

    /// Appends NULL, refused where the column must have a value.
    #[inline]
    pub(crate) fn append_missing(&mut self) -> Outcome {
        if !self.nullable {
            return Fault::value("a value is required, but it is missing or null").map_err(|f| f.within(&self.name));
        }
        self.append_null();
        Ok(())
    }

    /// Appends NULL whatever is declared: beneath a NULL parent.
    pub(super) fn append_null(&mut self) {
        self.values.push_default();
        self.nulls.append_null();
        self.len += 1;
    }

    /// Back to `len` rows; also drops what a half-read value left behind.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.values.truncate(len);
        self.nulls.truncate(len);
        self.len = len;
    }

    /// The finished column.
    pub(crate) fn finish(mut self) -> Result<ArrayRef, ArrowError> {
        self.values.finish(self.len, self.nulls.finish())
    }

    #[inline]
    fn appended(&mut self) {
        self.nulls.append_non_null();
        self.len += 1;
    }
}
