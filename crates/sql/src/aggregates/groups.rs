//! A kernel for the groups of a `GROUP BY`. See [`super::function`].
//!
//! Group numbers are slots until the first groups are emitted while others go on (input ordered by the key); from then
//! on a queue maps group numbers to slots and freed slots are used again.

use std::collections::VecDeque;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray};
use datafusion::common::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use highwater_aggregate::{Aggregate, Input};
use highwater_model::Weights;

use super::accumulator::external;
use super::call::Call;

/// A kernel with one slot a group.
pub(super) struct Groups {
    call: Call,
    kernel: Box<dyn Aggregate>,
    /// Slots the kernel has.
    grown: usize,
    /// Slot of each group; `None` while every group has the slot of its own number.
    mapped: Option<VecDeque<u32>>,
    free: Vec<u32>,
}

impl Groups {
    /// An empty one.
    pub(super) fn new(call: Call) -> Result<Self> {
        let kernel = call.spec.build().map_err(external)?;
        Ok(Self { call, kernel, grown: 0, mapped: None, free: Vec::new() })
    }

    /// Gives every group a slot.
    fn grow(&mut self, groups: usize) {
        match &mut self.mapped {
            None => self.grown = self.grown.max(groups),
            Some(mapped) => {
                while mapped.len() < groups {
                    let slot = self.free.pop().unwrap_or_else(|| {
                        self.grown += 1;
                        (self.grown - 1) as u32
                    });
                    mapped.push_back(slot);
                }
            }
        }
        self.kernel.grow(self.grown);
    }

    fn slot(&self, group: usize) -> u32 {
        self.mapped.as_ref().map_or(group as u32, |mapped| mapped[group])
    }

    /// The rows to take (`None`: all) of arguments under a filter.
    fn selection(&self, args: &[ArrayRef], filter: Option<&BooleanArray>) -> Option<Vec<u32>> {
        let nulls = args[0].logical_nulls().filter(|nulls| self.call.ignore_nulls && nulls.null_count() > 0);
        if nulls.is_none() && filter.is_none() {
            return None;
        }
        let taken = |row: &usize| {
            nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row))
                && filter.is_none_or(|filter| filter.is_valid(*row) && filter.value(*row))
        };
        Some((0..args[0].len()).filter(taken).map(|row| row as u32).collect())
    }

    /// Reads the groups to emit and then forgets them.
    fn emit(&mut self, emit_to: EmitTo, read: impl Fn(&dyn Aggregate, &[u32]) -> Result<ArrayRef>) -> Result<ArrayRef> {
        let groups = self.mapped.as_ref().map_or(self.grown, VecDeque::len);
        match emit_to {
            EmitTo::All => {
                let slots: Vec<u32> = (0..groups).map(|group| self.slot(group)).collect();
                let read = read(self.kernel.as_ref(), &slots)?;
                *self = Self::new(self.call.clone())?;
                Ok(read)
            }
            EmitTo::First(first) => {
                let mapped = self.mapped.get_or_insert_with(|| (0..groups as u32).collect());
                let slots: Vec<u32> = mapped.drain(..first.min(groups)).collect();
                let read = read(self.kernel.as_ref(), &slots)?;
                self.kernel.clear(&slots);
                self.free.extend(slots);
                Ok(read)
            }
        }
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let args = self.call.arguments(values);
        let rows = self.selection(&args, opt_filter);
        let slots: Vec<u32> = match &rows {
            None => group_indices.iter().map(|&group| self.slot(group)).collect(),
            Some(rows) => rows.iter().map(|&row| self.slot(group_indices[row as usize])).collect(),
        };
        let input = Input { rows: rows.as_deref(), slots: &slots, weights: &Weights::AllPlusOne };
        self.kernel.update(&args, input).map_err(external)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let slots: Vec<u32> = group_indices.iter().map(|&group| self.slot(group)).collect();
        self.kernel.merge(&values[0], &slots).map_err(external)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.emit(emit_to, |kernel, slots| kernel.finish(slots).map_err(external))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.emit(emit_to, |kernel, slots| kernel.encode(slots).map_err(external))?])
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let args = self.call.arguments(values);
        let groups: Vec<u32> = (0..args[0].len() as u32).collect();
        let mut kernel = self.call.spec.build().map_err(external)?;
        kernel.grow(groups.len());
        let rows = self.selection(&args, opt_filter);
        let slots = rows.as_deref().unwrap_or(&groups);
        kernel
            .update(&args, Input { rows: rows.as_deref(), slots, weights: &Weights::AllPlusOne })
            .map_err(external)?;
        Ok(vec![kernel.encode(&groups).map_err(external)?])
    }

    fn size(&self) -> usize {
        let mapped = self.mapped.as_ref().map_or(0, VecDeque::capacity) + self.free.capacity();
        size_of::<Self>() + self.kernel.bytes() + mapped * size_of::<u32>()
    }
}
