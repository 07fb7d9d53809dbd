//! Map columns: a JSON object whose keys are data. A repeated key's last value wins, at the place of the first.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, MapArray, StringArray, StructArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, FieldRef};
use jiter::{Jiter, Peek};

use super::values::Blobs;
use super::{ColumnBuilder, ColumnPlan};
use crate::fault::{Fault, Outcome};
use crate::json;

/// Up to this many entries keys are compared one by one; above, by a set.
const FEW: usize = 16;

/// The entries of a map column, end to end.
#[derive(Debug)]
pub(super) struct MapBuilder {
    entries: FieldRef,
    ends: Vec<i32>,
    keys: Blobs,
    values: ColumnBuilder,
}

impl MapBuilder {
    pub(super) fn new(entries: FieldRef, plan: &ColumnPlan, rows: usize, stored: bool) -> Self {
        let mut ends = Vec::with_capacity(rows + 1);
        ends.push(0);
        Self { entries, ends, keys: Blobs::with_capacity(rows), values: ColumnBuilder::new(plan, rows, stored) }
    }

    pub(super) fn push(&mut self, json: &mut Jiter, depth: usize) -> Outcome {
        let depth = json::deeper(depth)?;
        let start = self.values.len();
        let mut again = json.clone();
        let mut more = json.known_object()?.map(|key| self.keys.push(key.as_bytes())).is_some();
        while more {
            self.value(json, start, depth)?;
            more = json.next_key()?.map(|key| self.keys.push(key.as_bytes())).is_some();
        }
        if self.has_repeated_key(start) {
            self.truncate_entries(start);
            self.push_last_values(&mut again, start, depth)?;
        }
        self.close();
        Ok(())
    }

    /// Ends a map (or a NULL).
    pub(super) fn close(&mut self) {
        self.ends.push(self.values.len() as i32);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.ends.truncate(len + 1);
        self.truncate_entries(self.ends[len] as usize);
    }

    pub(super) fn finish(self, nulls: Option<NullBuffer>) -> Result<ArrayRef, ArrowError> {
        let DataType::Struct(fields) = self.entries.data_type() else {
            return Err(ArrowError::SchemaError("the entries of a map are a struct".to_owned()));
        };
        let (offsets, bytes) = self.keys.into_parts();
        let keys = Arc::new(StringArray::try_new(offsets, bytes, None)?) as ArrayRef;
        let entries = StructArray::try_new(fields.clone(), vec![keys, self.values.finish()?], None)?;
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        Ok(Arc::new(MapArray::try_new(self.entries, offsets, entries, nulls, false)?))
    }

    fn truncate_entries(&mut self, len: usize) {
        self.keys.truncate(len);
        self.values.truncate(len);
    }

    fn value(&mut self, json: &mut Jiter, start: usize, depth: usize) -> Outcome {
        let peek = json.peek()?;
        let appended = if peek == Peek::Null {
            json.known_null()?;
            self.values.append_missing().map_err(|_| null_value())
        } else {
            self.values.append_json(json, peek, depth)
        };
        appended.map_err(|fault| fault.within(&format!("[entry {}]", self.values.len() - start)))
    }

    fn has_repeated_key(&self, start: usize) -> bool {
        let end = self.values.len();
        if end - start <= FEW {
            return (start..end).any(|one| (start..one).any(|other| self.keys.get(one) == self.keys.get(other)));
        }
        let mut seen = std::collections::HashSet::with_capacity(end - start);
        !(start..end).all(|entry| seen.insert(self.keys.get(entry)))
    }

    /// Reads the object again, knowing that keys repeat: each key once, with the value it had last.
    #[cold]
    fn push_last_values(&mut self, json: &mut Jiter, start: usize, depth: usize) -> Outcome {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut order: Vec<(String, Jiter)> = Vec::new();
        let mut key = json.known_object()?.map(str::to_owned);
        while let Some(name) = key {
            let peek = json.peek()?;
            let at = json.clone();
            json::skip(json, peek, depth)?;
            match places.get(&name) {
                Some(place) => order[*place].1 = at,
                None => {
                    places.insert(name.clone(), order.len());
                    order.push((name, at));
                }
            }
            key = json.next_key()?.map(str::to_owned);
        }
        for (name, mut at) in order {
            self.keys.push(name.as_bytes());
            self.value(&mut at, start, depth)?;
        }
        Ok(())
    }
}

#[cold]
fn null_value() -> Box<Fault> {
    Box::new(Fault::Value { column: None, reason: "null is not allowed in this map".to_owned() })
}
