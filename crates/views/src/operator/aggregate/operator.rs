//! The aggregate operator: prepares batches, runs the shards, gathers their changes.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch};
use arrow_schema::{Field, SchemaRef};
use highwater_aggregate::AggregateSpec;
use highwater_model::ChangeBatch;

use super::input::{Preparation, Prepared};
use super::leaving::Leaving;
use super::panes::Panes;
use super::shard::Shard;
use crate::ViewsError;
use crate::expression::Expression;
use crate::keys::{KeyCodec, KeyTable};
use crate::operator::{ALWAYS, Node, OperatorFigures, Part, State, Tick, rows_in};
use crate::workers::SHARDS;

/// One aggregate function to compute.
pub(crate) struct AggregateCall {
    /// What to compute.
    pub(crate) spec: AggregateSpec,
    /// Its arguments, over the input.
    pub(crate) arguments: Vec<Expression>,
    /// `FILTER (WHERE …)`.
    pub(crate) filter: Option<Expression>,
    /// As SQL.
    pub(crate) text: String,
}

/// What is grouped by what.
pub(crate) struct Grouping {
    /// The grouping columns, over the input; with panes over what their stages make of it.
    pub(crate) groups: Vec<Expression>,
    /// As SQL.
    pub(crate) text: String,
    /// The aggregate functions.
    pub(crate) calls: Vec<AggregateCall>,
    /// When groups leave, if they do.
    pub(crate) leaving: Option<Leaving>,
    /// How rows get into hopping windows, when their work is shared.
    pub(crate) panes: Option<Panes>,
}

/// Group aggregation.
pub(crate) struct Aggregate {
    input: Box<dyn Node>,
    what: Grouping,
    key_fields: Vec<Field>,
    codec: KeyCodec,
    shards: Vec<Shard>,
    schema: SchemaRef,
    append_only: bool,
    started: bool,
    /// The latest the clock ever was, for groups that leave; and rows that came when theirs had.
    now: i64,
    late: u64,
}

impl Aggregate {
    /// Groups the input. `schema` has the group columns first. `append_only` says that the input never retracts.
    pub(crate) fn new(
        input: Box<dyn Node>,
        what: Grouping,
        schema: SchemaRef,
        append_only: bool,
    ) -> Result<Self, ViewsError> {
        let (groups, calls) = (&what.groups, &what.calls);
        let key_fields: Vec<Field> =
            schema.fields()[..groups.len()].iter().map(|field| field.as_ref().clone()).collect();
        let specs: Vec<AggregateSpec> = calls.iter().map(|call| call.spec.clone()).collect();
        let shard_count = if groups.is_empty() { 1 } else { SHARDS };
        let shards = (0..shard_count)
            .map(|index| {
                let keys = KeyTable::new(KeyCodec::new(&key_fields)?);
                Shard::new(index, keys, &specs, append_only, groups.is_empty())
            })
            .collect::<Result<_, _>>()?;
        let codec = KeyCodec::new(&key_fields)?;
        Ok(Self { input, what, key_fields, codec, shards, schema, append_only, started: false, now: ALWAYS, late: 0 })
    }

    /// Tells when the next group leaves.
    fn set_due(&self) {
        if let Some(leaving) = &self.what.leaving {
            leaving.due.set(self.shards.iter().filter_map(Shard::next_departure).min());
        }
    }
}

impl Node for Aggregate {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let changes: Vec<ChangeBatch> =
            self.input.step(tick)?.into_iter().filter(|change| !change.is_empty()).collect();
        let global_start = self.what.groups.is_empty() && !self.started;
        self.started = true;
        self.now = self.now.max(tick.now_micros);
        let leaving = self.what.leaving.as_ref();
        let is_due = leaving.and_then(|leaving| leaving.due.get()).is_some_and(|due| due <= self.now);
        if changes.is_empty() && !global_start && !is_due {
            return Ok(Vec::new());
        }
        let horizon = leaving.map(|leaving| leaving.at(self.now));
        let rows = rows_in(&changes);
        let (what, how) = (&self.what, Preparation { codec: &self.codec, shards: self.shards.len(), horizon });
        let prepared = tick.workers.map(rows, changes, |change| Prepared::new(change, what, how))?;
        let prepared: Vec<Prepared> = prepared.into_iter().flatten().collect();
        self.late += prepared.iter().map(|prepared| prepared.late).sum::<u64>();
        let schema = &self.schema;
        let results = tick.workers.map(rows, &mut self.shards, |shard| shard.step(&prepared, schema, horizon))?;
        self.set_due();
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

    fn late(&self) -> u64 {
        self.late
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        let Grouping { groups, text, calls: all, leaving, panes } = &self.what;
        let calls: Vec<&str> = all.iter().map(|call| call.text.as_str()).collect();
        let mut each: Vec<String> = all.iter().map(|call| call.spec.describe_state()).collect();
        each.sort_unstable();
        each.dedup();
        let (name, holds) = match (all.is_empty(), self.append_only) {
            (true, true) => ("distinct".to_owned(), "every different row".to_owned()),
            (true, false) => ("distinct".to_owned(), "every different row and how often it occurs".to_owned()),
            (false, _) => (format!("aggregate {}", calls.join(", ")), each.join("; ")),
        };
        let input = if self.append_only { "append-only input" } else { "input with retractions" };
        let has_values = all.iter().any(|call| call.spec.grows_with_values());
        let bound = match (groups.is_empty(), has_values) {
            _ if all.is_empty() => "the number of different rows",
            (true, false) => "nothing that grows: there is one group",
            (true, true) => "the different values",
            (false, false) => "the number of groups",
            (false, true) => "the number of groups and the different values in each",
        };
        let bound = match leaving {
            Some(leaving) => format!("time: {bound}, which leave {}", leaving.text),
            None => bound.to_owned(),
        };
        let by_pane = if panes.is_some() { ", pane by pane" } else { "" };
        let own = OperatorFigures {
            operator: format!("{name} by [{text}] over {input}{by_pane}"),
            holds: Some(holds),
            rows: self.shards.iter().map(Shard::groups).sum(),
            bytes: self.bytes(),
            bounded_by: Some(bound),
        };
        std::iter::once(own).chain(panes.iter().flat_map(Panes::figures)).collect()
    }
}

impl State for Aggregate {
    fn begin_save(&mut self, full: bool) {
        self.shards.iter_mut().for_each(|shard| shard.begin_save(full));
    }

    fn unsaved(&self) -> usize {
        self.shards.iter().map(Shard::unsaved).sum()
    }

    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        let mut saved = Vec::new();
        for shard in &mut self.shards {
            saved.extend(shard.save(part, &self.key_fields)?);
        }
        if self.what.leaving.is_some() {
            let number = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value])) };
            let clock = [("now", number(self.now)), ("late", number(self.late.cast_signed()))];
            saved.push(RecordBatch::try_from_iter(clock)?);
        }
        Ok(saved)
    }

    fn load(&mut self, mut saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        let horizon = match &self.what.leaving {
            Some(leaving) => {
                let bad = || ViewsError::BadState("an aggregate whose groups leave, without a clock".to_owned());
                let clock = saved.pop().filter(|clock| clock.num_columns() == 2 && clock.num_rows() == 1);
                let clock = clock.ok_or_else(bad)?;
                let number = |column: usize| clock.column(column).as_primitive_opt::<Int64Type>().ok_or_else(bad);
                self.now = self.now.max(number(0)?.value(0));
                self.late = number(1)?.value(0).cast_unsigned();
                Some(leaving.at(self.now))
            }
            None => None,
        };
        let each = saved.len() / self.shards.len();
        if each * self.shards.len() != saved.len() || each == 0 {
            return Err(ViewsError::BadState("an aggregate with another number of shards".to_owned()));
        }
        self.started = true;
        let batches = self.shards.iter_mut().zip(saved.chunks(each));
        for (shard, batches) in batches {
            batches.iter().try_for_each(|batch| shard.load(batch, self.key_fields.len(), horizon))?;
        }
        self.set_due();
        Ok(())
    }
}
