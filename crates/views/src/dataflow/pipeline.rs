//! One materialized view: its operators, from leaves to result, and what they read.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use highwater_model::{ChangeBatch, ObjectId, ObjectName};
use highwater_sql::Retain;
use highwater_sql::datafusion::logical_expr::LogicalPlan;

use crate::ViewsError;
use crate::lower::{lower, retained};
use crate::operator::{Due, Node, OperatorFigures, Part, Tick, bytes_of, explain, figures_of, late_of};
use crate::store::Snapshot;

/// A view to be maintained.
#[derive(Clone, Debug)]
pub struct ViewSpec {
    /// The view.
    pub id: ObjectId,
    /// Its name, for messages.
    pub name: ObjectName,
    /// Its query, planned by [`highwater_sql::Planner::plan_for_view`]: the leaves are
    /// [`highwater_sql::RelationSource`]s.
    pub plan: LogicalPlan,
    /// How long its rows are kept, if not for ever.
    pub retain: Option<Retain>,
}

impl ViewSpec {
    /// The query with the filter by the clock by which rows leave, if they do: what a batch is to evaluate.
    ///
    /// # Errors
    /// When no column is a time by which rows could leave.
    pub fn retained(&self) -> Result<Cow<'_, LogicalPlan>, ViewsError> {
        Ok(match &self.retain {
            Some(retain) => Cow::Owned(retained(&self.plan, retain)?),
            None => Cow::Borrowed(&self.plan),
        })
    }
}

/// A view's operators, ready to be given their inputs.
pub struct ViewPlan {
    pub(super) id: ObjectId,
    pub(super) name: ObjectName,
    pub(super) node: Box<dyn Node>,
    schema: SchemaRef,
    key: Vec<usize>,
    streams: BTreeSet<ObjectId>,
    relations: BTreeSet<ObjectId>,
    lookups: BTreeSet<ObjectId>,
    dues: Vec<Due>,
    retains: bool,
    pub(super) signature: u32,
}

impl std::fmt::Debug for ViewPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ViewPlan").field("name", &self.name).field("key", &self.key).finish_non_exhaustive()
    }
}

impl ViewPlan {
    /// Lowers a view's query to operators.
    ///
    /// # Errors
    /// [`ViewsError::Refused`] with clause, reason and alternative when it cannot be maintained.
    pub fn new(spec: &ViewSpec) -> Result<Self, ViewsError> {
        let schema = Arc::clone(spec.plan.schema().inner());
        let plan = spec.retained()?;
        let (node, properties) = lower(&plan)?.finish(Arc::clone(&schema));
        // The rows keep the operators' own word on which columns may be NULL.
        let schema = Arc::clone(node.schema());
        let signature = crc32fast::hash(format!("{}\n{schema:?}", plan.display_indent_schema()).as_bytes());
        Ok(Self {
            id: spec.id,
            name: spec.name.clone(),
            node,
            schema,
            key: properties.key,
            streams: properties.streams,
            relations: properties.relations,
            lookups: properties.lookups,
            dues: properties.dues,
            retains: spec.retain.is_some(),
            signature,
        })
    }

    /// The view.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &ObjectName {
        &self.name
    }

    /// Columns of the result.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Columns that identify a row; empty when none are known to.
    #[must_use]
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// Streams whose events it reads.
    #[must_use]
    pub fn streams(&self) -> &BTreeSet<ObjectId> {
        &self.streams
    }

    /// Tables, keyed streams and views whose changes it follows.
    #[must_use]
    pub fn relations(&self) -> &BTreeSet<ObjectId> {
        &self.relations
    }

    /// Tables it looks rows up in; their later changes need a new build.
    #[must_use]
    pub fn lookups(&self) -> &BTreeSet<ObjectId> {
        &self.lookups
    }

    /// The operators, a line each, with what each holds.
    #[must_use]
    pub fn explain(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let key: Vec<&str> = self.key.iter().map(|column| self.schema.field(*column).name().as_str()).collect();
        lines.push(match key.is_empty() {
            true => "view keyed by the whole row, rows counted".to_owned(),
            false => format!("view keyed by ({})", key.join(", ")),
        });
        explain(self.node.as_ref(), 1, &mut lines);
        lines
    }

    /// The operators with what each holds, from the result to the leaves.
    #[must_use]
    pub fn operators(&self) -> Vec<OperatorFigures> {
        let mut all = Vec::new();
        figures_of(self.node.as_ref(), &mut all);
        all
    }

    /// Events that came when their rows had left for good; `None` when rows are kept for ever.
    pub(super) fn late(&self) -> Option<u64> {
        self.retains.then(|| late_of(self.node.as_ref()))
    }

    /// Bytes that the operators hold.
    pub(super) fn bytes(&self) -> usize {
        bytes_of(self.node.as_ref())
    }

    pub(super) fn bind(&mut self, tables: &dyn Fn(ObjectId) -> Option<Snapshot>) -> Result<(), ViewsError> {
        self.node.bind(tables)
    }

    pub(super) fn step(&mut self, tick: &Tick<'_>) -> Result<Vec<ChangeBatch>, ViewsError> {
        self.node.step(tick)
    }

    /// Whether a tick that brings these may change the view.
    pub(super) fn concerns(&self, tick: &Tick<'_>) -> bool {
        self.streams.iter().any(|id| tick.events.contains_key(id))
            || self.relations.iter().any(|id| tick.rows.contains_key(id))
            || self.due_micros().is_some_and(|due| due <= tick.now_micros)
    }

    /// When the clock next changes the view, in microseconds since 1970 UTC.
    #[must_use]
    pub fn due_micros(&self) -> Option<i64> {
        self.dues.iter().filter_map(Due::get).min()
    }

    /// Begins a checkpoint; see [`State`].
    pub(super) fn begin_save(&mut self, full: bool) -> Result<(), ViewsError> {
        self.node.states(&mut |state| {
            state.begin_save(full);
            Ok(())
        })
    }

    /// How many operators remember something.
    pub(super) fn states(&mut self) -> Result<usize, ViewsError> {
        let mut states = 0;
        self.node.states(&mut |_| {
            states += 1;
            Ok(())
        })?;
        Ok(states)
    }

    /// Rows that changed and were not gathered since.
    pub(super) fn unsaved(&mut self) -> Result<usize, ViewsError> {
        let mut rows = 0;
        self.node.states(&mut |state| {
            rows += state.unsaved();
            Ok(())
        })?;
        Ok(rows)
    }

    /// A part of what each operator remembers.
    pub(super) fn save(&mut self, part: Part) -> Result<Vec<Vec<RecordBatch>>, ViewsError> {
        let mut parts = Vec::new();
        self.node.states(&mut |state| {
            parts.push(state.save(part)?);
            Ok(())
        })?;
        Ok(parts)
    }

    pub(super) fn load(&mut self, parts: Vec<Vec<RecordBatch>>) -> Result<(), ViewsError> {
        let mut parts = parts.into_iter();
        self.node.states(&mut |state| {
            let part = parts.next().ok_or_else(|| ViewsError::BadState("fewer operators than now".to_owned()))?;
            state.load(part)
        })?;
        match parts.next() {
            None => Ok(()),
            Some(_) => Err(ViewsError::BadState("more operators than now".to_owned())),
        }
    }
}
