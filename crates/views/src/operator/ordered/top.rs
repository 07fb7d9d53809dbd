//! The first rows of each partition: `ORDER BY … LIMIT n`, and `ROW_NUMBER()`, `RANK()` or `DENSE_RANK()` up to a bound.
//! Gives only what changed among the first rows. Over append-only input nothing beyond them is kept.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_schema::SchemaRef;
use highwater_model::{ChangeBatch, Weights};

use super::input::{Order, Place, Prepared};
use super::partitions::{Ordered, Partitions};
use crate::ViewsError;
use crate::operator::{Node, OperatorFigures, Part, State, Tick, rows_in};

/// How rows are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Numbering {
    /// Not at all: the rows themselves, after leaving out so many.
    Offset(u64),
    /// `ROW_NUMBER()`.
    RowNumber,
    /// `RANK()`.
    Rank,
    /// `DENSE_RANK()`.
    DenseRank,
}

/// Which rows are wanted.
pub(crate) struct TopPlan {
    pub(crate) order: Order,
    pub(crate) rank: Numbering,
    /// Rows wanted, or the greatest number wanted.
    pub(crate) limit: u64,
    /// Whether the input never retracts.
    pub(crate) append_only: bool,
    /// Columns of the result: those of the input, then the number if there is one.
    pub(crate) schema: SchemaRef,
}

/// The first rows of each partition.
pub(crate) struct Top {
    input: Box<dyn Node>,
    plan: TopPlan,
    shards: Vec<Shard>,
}

struct Shard {
    index: usize,
    partitions: Partitions,
    /// For each partition that has all its first rows, the last of them: what sorts after it changes nothing.
    bounds: Vec<Option<Place>>,
    /// Position in the tick's list of touched partitions, plus one.
    marks: Vec<u32>,
}

/// A row among the first ones.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    place: Place,
    /// Its number, 0 when rows are not numbered.
    number: u64,
    weight: i64,
}

impl TopPlan {
    /// The first rows of a partition, and the last one when they are complete.
    fn first(&self, rows: &Ordered) -> (Vec<Entry>, Option<Place>) {
        let (mut entries, mut last) = (Vec::new(), None);
        let (mut before, mut number) = (0_u64, 0_u64);
        let mut sort_key: Option<&Place> = None;
        let (skip, end) = match self.rank {
            Numbering::Offset(skip) => (skip, skip.saturating_add(self.limit)),
            _ => (0, self.limit),
        };
        for (place, count) in rows {
            let is_tie = sort_key.is_some_and(|last| last.sort_key() == place.sort_key());
            sort_key = Some(place);
            number = match self.rank {
                Numbering::RowNumber => before + 1,
                Numbering::Rank => {
                    if is_tie {
                        number
                    } else {
                        before + 1
                    }
                }
                Numbering::DenseRank => number + u64::from(!is_tie),
                Numbering::Offset(_) => before + 1,
            };
            if number > end {
                return (entries, last);
            }
            let after = before + count.unsigned_abs();
            match self.rank {
                Numbering::RowNumber => {
                    for number in number..=after.min(end) {
                        entries.push(Entry { place: place.clone(), number, weight: 1 });
                    }
                }
                Numbering::Rank | Numbering::DenseRank => {
                    entries.push(Entry { place: place.clone(), number, weight: *count })
                }
                Numbering::Offset(_) => {
                    let shown = after.min(end).saturating_sub(before.max(skip));
                    if shown > 0 {
                        entries.push(Entry { place: place.clone(), number: 0, weight: shown.cast_signed() });
                    }
                }
            }
            before = after;
            last = Some(place.clone());
        }
        let complete = match self.rank {
            Numbering::DenseRank => number >= end,
            _ => before >= end,
        };
        (entries, last.filter(|_| complete))
    }

    /// Entries of the result with their weights.
    fn change(&self, entries: &[Entry]) -> Result<ChangeBatch, ViewsError> {
        let rows = self.order.rows(entries.iter().map(|entry| &entry.place))?;
        let mut columns: Vec<ArrayRef> = rows.columns().to_vec();
        if !matches!(self.rank, Numbering::Offset(_)) {
            columns.push(Arc::new(entries.iter().map(|entry| entry.number).collect::<UInt64Array>()));
        }
        let weights = match entries.iter().all(|entry| entry.weight == 1) {
            true => Weights::AllPlusOne,
            false => Weights::Each(entries.iter().map(|entry| entry.weight).collect()),
        };
        Ok(ChangeBatch { rows: RecordBatch::try_new(self.schema.clone(), columns)?, weights })
    }
}

/// What must be added to the entries before to get those now; both are in order.
fn difference(before: Vec<Entry>, now: Vec<Entry>, changes: &mut Vec<Entry>) {
    let (mut before, mut now) = (before.into_iter().peekable(), now.into_iter().peekable());
    let gone = |entry: Entry| Entry { weight: -entry.weight, ..entry };
    loop {
        let order = match (before.peek(), now.peek()) {
            (None, None) => return,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(old), Some(new)) => (&old.place, old.number).cmp(&(&new.place, new.number)),
        };
        match order {
            Ordering::Less => changes.extend(before.next().map(gone)),
            Ordering::Greater => changes.extend(now.next()),
            Ordering::Equal => {
                if let (Some(old), Some(new)) = (before.next(), now.next())
                    && old.weight != new.weight
                {
                    changes.push(Entry { weight: new.weight - old.weight, ..new });
                }
            }
        }
    }
}

impl Shard {
    fn bytes(&self) -> usize {
        let bounds = self.bounds.capacity() * size_of::<Option<Place>>();
        self.partitions.bytes() + bounds + self.marks.capacity() * size_of::<u32>()
    }

    fn step(&mut self, plan: &TopPlan, inputs: &[Prepared]) -> Result<Vec<ChangeBatch>, ViewsError> {
        let mut touched: Vec<(u32, Vec<Entry>)> = Vec::new();
        for input in inputs {
            let rows = input.rows_of(self.index);
            let slots = self.partitions.slots_of(input, rows);
            self.bounds.resize(self.partitions.slots(), None);
            self.marks.resize(self.partitions.slots(), 0);
            for (&row, &slot) in rows.iter().zip(&slots) {
                let place = &input.places[row as usize];
                if self.marks[slot as usize] == 0 {
                    if self.bounds[slot as usize].as_ref().is_some_and(|last| place.sort_key() > last.sort_key()) {
                        if !plan.append_only {
                            self.partitions.add(slot, place, input.weights.at(row as usize));
                        }
                        continue;
                    }
                    touched.push((slot, plan.first(self.partitions.rows(slot)).0));
                    self.marks[slot as usize] = touched.len() as u32;
                }
                self.partitions.add(slot, place, input.weights.at(row as usize));
            }
        }
        let slots: Vec<u32> = touched.iter().map(|(slot, _)| *slot).collect();
        let mut changes = Vec::new();
        for (slot, before) in touched {
            let (now, last) = plan.first(self.partitions.rows(slot));
            if let (Some(last), true) = (&last, plan.append_only) {
                self.partitions.cut_after(slot, last);
            }
            self.bounds[slot as usize] = last;
            self.marks[slot as usize] = 0;
            difference(before, now, &mut changes);
        }
        self.partitions.end_tick(slots.into_iter())?;
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![plan.change(&changes)?])
    }
}

impl Top {
    /// The first rows of `input` as planned.
    pub(crate) fn new(input: Box<dyn Node>, plan: TopPlan) -> Result<Self, ViewsError> {
        let shard = |index| {
            let partitions = Partitions::new(&plan.order)?;
            Ok(Shard { index, partitions, bounds: Vec::new(), marks: Vec::new() })
        };
        let shards = (0..plan.order.shards()).map(shard).collect::<Result<_, ViewsError>>()?;
        Ok(Self { input, plan, shards })
    }
}

impl Node for Top {
    fn schema(&self) -> &SchemaRef {
        &self.plan.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let changes = self.input.step(tick)?;
        let (rows, plan) = (rows_in(&changes), &self.plan);
        if rows == 0 {
            return Ok(Vec::new());
        }
        let prepared = tick.workers.map(rows, &changes, |change| plan.order.prepare(change))?;
        let results = tick.workers.map(rows, &mut self.shards, |shard| shard.step(plan, &prepared))?;
        Ok(results.into_iter().flatten().collect())
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        vec![self.input.as_ref()]
    }

    fn inputs_mut(&mut self) -> Vec<&mut Box<dyn Node>> {
        vec![&mut self.input]
    }

    fn state(&mut self) -> Option<&mut dyn State> {
        Some(self)
    }

    fn bytes(&self) -> usize {
        self.shards.iter().map(Shard::bytes).sum()
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        let what = match self.plan.rank {
            Numbering::Offset(0) => format!("first {} rows", self.plan.limit),
            Numbering::Offset(skip) => format!("{} rows after the first {skip}", self.plan.limit),
            Numbering::RowNumber => format!("row_number up to {}", self.plan.limit),
            Numbering::Rank => format!("rank up to {}", self.plan.limit),
            Numbering::DenseRank => format!("dense_rank up to {}", self.plan.limit),
        };
        let partitions: usize = self.shards.iter().map(|shard| shard.partitions.partitions()).sum();
        let (input, holds, bound) = match self.plan.append_only {
            true => {
                ("append-only input", "the first rows only", "the number of partitions, and the first rows of each")
            }
            false => ("input with retractions", "all rows", "the rows of its input"),
        };
        vec![OperatorFigures {
            operator: format!("{what} {} over {input}", self.plan.order.text),
            holds: Some(format!("{holds}, in {partitions} partitions")),
            rows: self.shards.iter().map(|shard| shard.partitions.len()).sum(),
            bytes: self.bytes(),
            bounded_by: Some(bound.to_owned()),
        }]
    }
}

impl State for Top {
    fn begin_save(&mut self, full: bool) {
        self.shards.iter_mut().for_each(|shard| shard.partitions.begin_save(full));
    }

    fn unsaved(&self) -> usize {
        self.shards.iter().map(|shard| shard.partitions.unsaved()).sum()
    }

    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        self.shards.iter_mut().map(|shard| shard.partitions.save(part, &self.plan.order)).collect()
    }

    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        if saved.len() != self.shards.len() {
            return Err(ViewsError::BadState("ordered rows with another number of shards".to_owned()));
        }
        for (shard, saved) in self.shards.iter_mut().zip(&saved) {
            shard.partitions.load(saved, &self.plan.order)?;
            // Found again when a partition is next touched.
            shard.bounds.clear();
        }
        Ok(())
    }
}
