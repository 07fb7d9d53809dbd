//! The aggregate operator: prepares batches, runs the shards, gathers their changes.

use arrow_array::RecordBatch;
use arrow_schema::{Field, SchemaRef};
use highwater_aggregate::AggregateSpec;
use highwater_model::{ChangeBatch, ObjectId};

use super::input::Prepared;
use super::shard::Shard;
use crate::ViewsError;
use crate::expression::Expression;
use crate::keys::{KeyCodec, KeyTable};
use crate::operator::{Node, OperatorFigures, Part, State, Tick, rows_in};
use crate::store::Snapshot;
use crate::workers::SHARDS;

/// One aggregate function to compute.
pub(crate) struct AggregateCall {
    /// What to compute.
    pub(crate) spec: AggregateSpec,
    /// Its arguments.
    pub(crate) arguments: Vec<Expression>,
    /// `FILTER (WHERE …)`.
    pub(crate) filter: Option<Expression>,
    /// As SQL.
    pub(crate) text: String,
}

/// Group aggregation.
pub(crate) struct Aggregate {
    input: Box<dyn Node>,
    groups: Vec<Expression>,
    group_text: String,
    key_fields: Vec<Field>,
    codec: KeyCodec,
    calls: Vec<AggregateCall>,
    shards: Vec<Shard>,
    schema: SchemaRef,
    append_only: bool,
    started: bool,
}

impl Aggregate {
    /// Groups the input by `groups` and computes `calls`. `schema` has the group columns first.
    /// `append_only` says that the input never retracts.
    pub(crate) fn new(
        input: Box<dyn Node>,
        groups: Vec<Expression>,
        group_text: String,
        calls: Vec<AggregateCall>,
        schema: SchemaRef,
        append_only: bool,
    ) -> Result<Self, ViewsError> {
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
        Ok(Self { input, groups, group_text, key_fields, codec, calls, shards, schema, append_only, started: false })
    }
}

impl Node for Aggregate {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        let changes: Vec<ChangeBatch> =
            self.input.step(tick)?.into_iter().filter(|change| !change.is_empty()).collect();
        let global_start = self.groups.is_empty() && !self.started;
        self.started = true;
        if changes.is_empty() && !global_start {
            return Ok(Vec::new());
        }
        let rows = rows_in(&changes);
        let (codec, groups, calls, shard_count) = (&self.codec, &self.groups, &self.calls, self.shards.len());
        let prepared =
            tick.workers.map(rows, changes, |change| Prepared::new(&change, codec, groups, calls, shard_count))?;
        let schema = &self.schema;
        let results = tick.workers.map(rows, &mut self.shards, |shard| shard.step(&prepared, schema))?;
        Ok(results.into_iter().flatten().collect())
    }

    fn bind(&mut self, tables: &dyn Fn(ObjectId) -> Option<Snapshot>) -> Result<(), ViewsError> {
        self.input.bind(tables)
    }

    fn states(&mut self, visit: &mut dyn FnMut(&mut dyn State) -> Result<(), ViewsError>) -> Result<(), ViewsError> {
        self.input.states(visit)?;
        visit(self)
    }

    fn inputs(&self) -> Vec<&dyn Node> {
        vec![self.input.as_ref()]
    }

    fn bytes(&self) -> usize {
        self.shards.iter().map(Shard::bytes).sum()
    }

    fn figures(&self) -> Vec<OperatorFigures> {
        let calls: Vec<&str> = self.calls.iter().map(|call| call.text.as_str()).collect();
        let mut each: Vec<String> = self.calls.iter().map(|call| call.spec.describe_state()).collect();
        each.sort_unstable();
        each.dedup();
        let (name, holds) = match (self.calls.is_empty(), self.append_only) {
            (true, true) => ("distinct".to_owned(), "every different row".to_owned()),
            (true, false) => ("distinct".to_owned(), "every different row and how often it occurs".to_owned()),
            (false, _) => (format!("aggregate {}", calls.join(", ")), each.join("; ")),
        };
        let input = if self.append_only { "append-only input" } else { "input with retractions" };
        let has_values = self.calls.iter().any(|call| call.spec.grows_with_values());
        let bound = match (self.groups.is_empty(), has_values) {
            _ if self.calls.is_empty() => "the number of different rows",
            (true, false) => "nothing that grows: there is one group",
            (true, true) => "the different values",
            (false, false) => "the number of groups",
            (false, true) => "the number of groups and the different values in each",
        };
        vec![OperatorFigures {
            operator: format!("{name} by [{}] over {input}", self.group_text),
            holds: Some(holds),
            rows: self.shards.iter().map(Shard::groups).sum(),
            bytes: self.bytes(),
            bounded_by: Some(bound.to_owned()),
        }]
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
        Ok(saved)
    }

    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        let each = saved.len() / self.shards.len();
        if each * self.shards.len() != saved.len() || each == 0 {
            return Err(ViewsError::BadState("an aggregate with another number of shards".to_owned()));
        }
        self.started = true;
        let batches = self.shards.iter_mut().zip(saved.chunks(each));
        for (shard, batches) in batches {
            batches.iter().try_for_each(|batch| shard.load(batch, self.key_fields.len()))?;
        }
        Ok(())
    }
}
