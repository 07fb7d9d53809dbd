//! The plan of a relation over events alone: views inside are expanded to their stored queries, keyed streams and tables
//! to their messages. Its leaves are [`LeafSource`]s at the offsets of a [`Cut`].

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use highwater_api::{ApiError, ErrorKind};
use highwater_model::{ObjectId, Offsets, PartitionId, SystemColumn};
use highwater_sql::datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use highwater_sql::datafusion::common::{Column, ScalarValue, TableReference};
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, TableScan, lit};
use highwater_sql::{Catalog, Entry, EntryKind, Planner, RelationKind, RelationSource};

use super::super::source::{LeafSource, Past, Reads};
use super::current::current;
use super::cut::Cut;
use super::moment;
use super::order::{is_ordered, settle_ties};
use crate::error::EngineError;
use crate::jobs::spec_of;

/// The catalog at one moment, and which events count.
pub(crate) struct History<'a> {
    pub(crate) planner: &'a Planner,
    pub(crate) catalog: &'a Catalog,
    pub(crate) cut: &'a Cut,
}

/// What a view is computed from, itself first: all relations it reads, directly or through others.
pub(crate) fn inputs_of(catalog: &Catalog, id: ObjectId) -> BTreeSet<ObjectId> {
    let (mut found, mut next) = (BTreeSet::from([id]), vec![id]);
    while let Some(id) = next.pop() {
        let inputs = catalog.get(id).map(|entry| entry.depends_on.as_slice()).unwrap_or_default();
        next.extend(inputs.iter().filter(|input| found.insert(**input)));
    }
    found
}

impl History<'_> {
    /// The rows of a materialized view, a keyed stream or a table, under the names of its columns.
    ///
    /// # Errors
    /// When it is none of these, or its stored query cannot be planned.
    pub(crate) fn relation(&self, id: ObjectId) -> Result<LogicalPlan, ApiError> {
        let entry =
            self.catalog.get(id).ok_or_else(|| ApiError::new(ErrorKind::NotFound, format!("no object {id}")))?;
        match &entry.kind {
            EntryKind::MaterializedView { .. } => self.view(entry),
            EntryKind::Stream { .. } | EntryKind::Table { .. } => {
                self.current(entry, &self.cut.offsets).map_err(|error| defect(entry, &error))
            }
            kind => {
                let message = format!("{} is a {}, which holds no rows of its own", entry.name, kind.noun());
                Err(ApiError::new(ErrorKind::InvalidInput, message)
                    .with_hint("name a materialized view, a keyed stream or a table"))
            }
        }
    }

    /// The events of a stream or table as far as they count, with system columns.
    pub(crate) fn events(&self, entry: &Entry, offsets: &Arc<Offsets>) -> Result<LogicalPlan> {
        let schema = entry.kind.stream_schema().map(highwater_model::StreamSchema::arrow_with_system);
        let schema = schema.ok_or_else(|| DataFusionError::Internal(format!("{} has no events", entry.name)))?;
        let past = Past { offsets: Arc::clone(offsets), seen: Arc::clone(&self.cut.seen) };
        let source = LeafSource {
            id: entry.id,
            name: entry.name.clone(),
            noun: entry.kind.noun(),
            reads: Reads::Events,
            schema,
            key: Vec::new(),
            indexes: Arc::from([]),
            past: Some(past),
        };
        let mut scan = LogicalPlanBuilder::scan(table_name(entry), Arc::new(source), None)?;
        if self.cut.archived {
            scan = scan.filter(below(entry, offsets))?;
        }
        match self.cut.accepted_by {
            None => scan.build(),
            Some(micros) => {
                let by = ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into()));
                let column = Column::new(Some(table_name(entry)), SystemColumn::IngestedAt.name());
                scan.filter(Expr::Column(column).lt_eq(Expr::Literal(by, None)))?.build()
            }
        }
    }

    fn current(&self, entry: &Entry, offsets: &Arc<Offsets>) -> Result<LogicalPlan> {
        let schema = entry.kind.stream_schema();
        let keyed = schema.and_then(|schema| Some((schema, schema.keyed.as_ref()?)));
        let (schema, keyed) = keyed.ok_or_else(|| {
            let message = format!("{} is a stream without a key, which holds no rows of its own", entry.name);
            DataFusionError::External(Box::new(
                ApiError::new(ErrorKind::InvalidInput, message)
                    .with_hint("name a materialized view, a keyed stream or a table"),
            ))
        })?;
        let is_table = matches!(entry.kind, EntryKind::Table { .. });
        current(self.events(entry, offsets)?, keyed, schema.columns.len(), is_table)
    }

    fn view(&self, entry: &Entry) -> Result<LogicalPlan, ApiError> {
        let spec = spec_of(self.planner, self.catalog, entry)?;
        let plan = spec.retained().map_err(EngineError::from)?.into_owned();
        self.expand(plan, entry.id).map_err(|error| defect(entry, &error))
    }

    /// A view's plan with events in the place of relations.
    fn expand(&self, plan: LogicalPlan, view: ObjectId) -> Result<LogicalPlan> {
        let looked_up = self.cut.looked_up.get(&view);
        let expanded = plan.transform_up(|node| {
            let node = match node {
                LogicalPlan::TableScan(scan) => return Ok(Transformed::yes(self.leaf(scan, looked_up)?)),
                node => node.recompute_schema()?,
            };
            Ok(Transformed::yes(settle_ties(moment::at(node, self.cut.clock_micros)?)?))
        })?;
        Ok(expanded.data)
    }

    fn leaf(&self, scan: TableScan, looked_up: Option<&Arc<Offsets>>) -> Result<LogicalPlan> {
        let Some(source) = (scan.source.as_ref() as &dyn Any).downcast_ref::<RelationSource>() else {
            return Ok(LogicalPlan::TableScan(scan));
        };
        let entry = self.catalog.get(source.id);
        let entry = entry.ok_or_else(|| DataFusionError::Internal(format!("{} is gone", source.name)))?;
        let offsets = looked_up.filter(|at| at.iter().any(|(table, ..)| table == source.id));
        let offsets = offsets.unwrap_or(&self.cut.offsets);
        let rows = match source.kind {
            RelationKind::Events => self.events(entry, offsets)?,
            RelationKind::Current => self.current(entry, offsets)?,
            RelationKind::MaterializedView => {
                self.view(entry).map_err(|error| DataFusionError::External(Box::new(error)))?
            }
        };
        in_place_of(&scan, &source.schema, rows)
    }
}

/// That an event is below these offsets.
fn below(entry: &Entry, offsets: &Offsets) -> Expr {
    let column = |column: SystemColumn| Expr::Column(Column::new(Some(table_name(entry)), column.name()));
    let partitions = entry.kind.stream_schema().map_or(0, |schema| schema.partitions);
    let of_partition = |partition: u32| {
        let next = i64::try_from(offsets.get(entry.id, PartitionId(partition))).unwrap_or(i64::MAX);
        let is_in = column(SystemColumn::Partition).eq(lit(partition.cast_signed()));
        is_in.and(column(SystemColumn::Offset).lt(lit(next)))
    };
    (0..partitions).map(of_partition).reduce(Expr::or).unwrap_or_else(|| lit(true))
}

/// The rows as the scan gives them: its columns, under its name.
fn in_place_of(scan: &TableScan, schema: &SchemaRef, rows: LogicalPlan) -> Result<LogicalPlan> {
    let given = rows.schema().columns();
    let wanted: Vec<usize> = scan.projection.clone().unwrap_or_else(|| (0..schema.fields().len()).collect());
    let columns = wanted.into_iter().map(|at| {
        // By name: a stream may have got columns that the view does not know.
        let name = schema.field(at).name();
        let column = given.iter().find(|column| column.name == *name).cloned();
        let missing = || DataFusionError::Internal(format!("{} has no column {name}", scan.table_name));
        Ok(Expr::Column(column.ok_or_else(missing)?))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    let rows = LogicalPlanBuilder::from(rows).project(columns)?.alias(scan.table_name.clone())?;
    scan.filters.iter().try_fold(rows, |rows, filter| rows.filter(filter.clone()))?.build()
}

/// How plans call an object: no two of them alike.
fn table_name(entry: &Entry) -> TableReference {
    TableReference::partial(entry.name.schema.as_str(), entry.name.name.as_str())
}

/// Whether a plan reads the past through an order in which ties are settled: rows that are handed between threads lose it.
pub(crate) fn is_settled(plan: &LogicalPlan) -> bool {
    let is_past = |node: &LogicalPlan| {
        let LogicalPlan::TableScan(scan) = node else { return false };
        (scan.source.as_ref() as &dyn Any).downcast_ref::<LeafSource>().is_some_and(|leaf| leaf.past.is_some())
    };
    any(plan, is_ordered) && any(plan, is_past)
}

/// Whether any node of a plan is so.
fn any(plan: &LogicalPlan, wanted: impl Fn(&LogicalPlan) -> bool) -> bool {
    let mut found = false;
    let walked = plan.apply_with_subqueries(|node| {
        found |= wanted(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    });
    walked.is_err() || found
}

fn defect(entry: &Entry, error: &DataFusionError) -> ApiError {
    if let DataFusionError::External(inner) = error.find_root()
        && let Some(ours) = inner.downcast_ref::<ApiError>()
    {
        return ours.clone();
    }
    ApiError::internal(format!("{} cannot be computed from its history: {}", entry.name, error.strip_backtrace()))
}
