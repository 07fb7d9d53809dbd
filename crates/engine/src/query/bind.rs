//! From an optimized plan over unbound leaves to one that can be executed: every leaf gets its rows, all of one version.
//! The read lock on that version is held only while snapshots are taken and keys are looked up.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Schema, SchemaRef};
use highwater_api::{ApiError, ErrorKind};
use highwater_archive::TableSnapshot;
use highwater_model::{ObjectId, Offset, PartitionId};
use highwater_sql::datafusion::common::tree_node::{Transformed, TreeNodeRecursion};
use highwater_sql::datafusion::datasource::provider_as_source;
use highwater_sql::datafusion::error::DataFusionError;
use highwater_sql::datafusion::logical_expr::{LogicalPlan, TableScan, TableSource};
use highwater_sql::datafusion::physical_plan::streaming::PartitionStream;
use highwater_views::{Relations, Snapshot};

use super::history::watch;
use super::keys::{OffsetRange, Wanted, offsets_of, partition_value, wanted};
use super::ranked::{Candidate, Found, candidate, put_ranked};
use super::scan_archive::ArchivedTable;
use super::scan_batches::{BatchesPartition, source};
use super::scan_snapshot::snapshot_partitions;
use super::scan_stream::LogPartition;
use super::source::{LeafSource, Reads};
use crate::core::{Core, StreamRuntime};
use crate::error::EngineError;

/// A plan over the rows of one version.
pub(super) struct Bound {
    pub(super) plan: LogicalPlan,
    /// The version, and the rejects read if any: equal tags, equal rows.
    pub(super) version: String,
    /// Rows read at most; `None` when a log is read.
    pub(super) rows: Option<usize>,
    /// What is read, a line for each leaf.
    pub(super) reads: Vec<String>,
}

/// A leaf of the plan with what its filters say.
pub(super) struct Leaf {
    source: LeafSource,
    /// Rows to look up.
    pub(super) wanted: Wanted,
    offsets: OffsetRange,
    partition: Option<i32>,
    /// The windows over it that an index may answer.
    ranked: Option<RankedLeaf>,
}

/// A candidate with its number, in the order in which [`put_ranked`] comes by them.
struct RankedLeaf {
    number: usize,
    candidate: Candidate,
}

impl Leaf {
    /// The object read, and what of it.
    pub(super) fn reads(&self) -> (ObjectId, Reads) {
        (self.source.id, self.source.reads)
    }
}

/// What a leaf reads, held still.
enum Pinned {
    Snapshot(Snapshot),
    /// Rows found by columns of the key.
    Found {
        columns: Vec<usize>,
        rows: RecordBatch,
    },
    /// Rows found by a ranked index, with their ranks.
    Ranked(RecordBatch),
    /// Records from the archive, and from where it ends from the log.
    Log {
        stream: Arc<StreamRuntime>,
        archived: Option<Arc<TableSnapshot>>,
        ranges: Vec<(PartitionId, Range<Offset>)>,
    },
}

/// Binds an optimized plan to the current version; stores are read in so many partitions at most.
pub(super) fn bind(core: &Core, plan: LogicalPlan, partitions: usize) -> Result<Bound, ApiError> {
    let leaves = leaves_of(&plan)?;
    let (pinned, version) = pin(core, &leaves)?;
    let mut bound = Bound { plan: LogicalPlan::default(), version, rows: Some(0), reads: Vec::new() };
    let mut sources = Vec::with_capacity(leaves.len());
    let mut chains: Vec<_> = leaves.iter().filter(|leaf| leaf.ranked.is_some()).map(|_| None).collect();
    for (leaf, pinned) in leaves.iter().zip(pinned) {
        let rows = pinned.rows();
        bound.rows = bound.rows.zip(rows).map(|(all, rows)| all + rows);
        bound.reads.push(describe(leaf, &pinned));
        let pinned = match (&leaf.ranked, pinned) {
            (Some(ranked), Pinned::Ranked(rows)) => {
                chains[ranked.number] = Some(ranked.candidate.plan(rows).map_err(defect)?);
                continue;
            }
            (_, pinned) => pinned,
        };
        let schema = &leaf.source.schema;
        let archived = pinned.archived();
        let mut parts = pinned.into_partitions(core, schema, partitions);
        if let Some(past) = &leaf.source.past {
            parts = watch(parts, &past.seen);
        }
        sources.push(match archived {
            Some(archived) => provider_as_source(Arc::new(ArchivedTable::new(Arc::clone(schema), archived, parts))),
            None => source(Arc::clone(schema), parts).map_err(defect)?,
        });
    }
    bound.plan = put(put_ranked(plan, chains).map_err(defect)?, sources)?;
    Ok(bound)
}

/// The unbound leaves, in the order in which [`put`] comes by them.
pub(super) fn leaves_of(plan: &LogicalPlan) -> Result<Vec<Leaf>, ApiError> {
    let mut leaves = Vec::new();
    // Candidates whose leaf is still to come.
    let mut pending: Vec<(*const LogicalPlan, RankedLeaf)> = Vec::new();
    let mut number = 0;
    let walk = plan.apply_with_subqueries(|node| {
        if let Some(Found { candidate, leaf }) = candidate(node) {
            pending.push((leaf, RankedLeaf { number, candidate }));
            number += 1;
        }
        if let Some((scan, source)) = unbound(node) {
            let filters = &scan.filters;
            let ranked = pending.iter().position(|(leaf, _)| std::ptr::eq(*leaf, node));
            leaves.push(Leaf {
                wanted: wanted(filters, &source.schema, &source.key),
                offsets: offsets_of(filters),
                partition: filters.iter().find_map(partition_value),
                source: source.clone(),
                ranked: ranked.map(|at| pending.swap_remove(at).1),
            });
        }
        Ok(TreeNodeRecursion::Continue)
    });
    walk.map_err(defect)?;
    Ok(leaves)
}

/// The plan with its leaves replaced, in order.
pub(super) fn put(plan: LogicalPlan, sources: Vec<Arc<dyn TableSource>>) -> Result<LogicalPlan, ApiError> {
    let mut sources = sources.into_iter();
    let replaced = plan.transform_down_with_subqueries(|node| {
        if unbound(&node).is_none() {
            return Ok(Transformed::no(node));
        }
        let missing = || DataFusionError::Internal("a plan has more leaves than were bound".to_owned());
        let LogicalPlan::TableScan(scan) = node else { return Err(missing()) };
        let source = sources.next().ok_or_else(missing)?;
        Ok(Transformed::yes(LogicalPlan::TableScan(TableScan { source, ..scan })))
    });
    Ok(replaced.map_err(defect)?.data)
}

fn unbound(node: &LogicalPlan) -> Option<(&TableScan, &LeafSource)> {
    let LogicalPlan::TableScan(scan) = node else { return None };
    Some((scan, scan.source.as_ref().downcast_ref::<LeafSource>()?))
}

/// Holds still what all leaves read, at one version, and names it.
fn pin(core: &Core, leaves: &[Leaf]) -> Result<(Vec<Pinned>, String), ApiError> {
    // Logs are asked before the version is held: what is durable then is what it may show.
    let logs = leaves.iter().map(|leaf| log_of(core, leaf)).collect::<Result<Vec<_>, _>>()?;
    let version = core.reader.read();
    let mut tag = version.version();
    let mut all = Vec::with_capacity(leaves.len());
    for (leaf, log) in leaves.iter().zip(logs) {
        all.push(match log {
            None => pin_rows(&version, leaf)?,
            Some(LogRanges { stream, archived, mut ranges }) => {
                if leaf.source.reads == Reads::Events {
                    let offsets = leaf.source.past.as_ref().map_or(&version.offsets, |past| past.offsets.as_ref());
                    for (partition, range) in &mut ranges {
                        range.end = offsets.get(stream.id, *partition);
                    }
                }
                if let Some(past) = &leaf.source.past {
                    whole(&leaf.source, &ranges, archived.as_deref())?;
                    let all = ranges.iter().map(|(_, range)| range.end).sum();
                    past.seen.expect(all, ranges.iter().map(|(_, range)| range.end.saturating_sub(range.start)).sum());
                }
                Pinned::Log { stream, archived, ranges }
            }
        });
    }
    drop(version);
    for (leaf, pinned) in leaves.iter().zip(&mut all) {
        let Pinned::Log { archived, ranges, .. } = pinned else { continue };
        if leaf.source.reads == Reads::Rejects {
            // Rejects belong to no version of the dataflow.
            ranges.iter().for_each(|(_, range)| tag.push_str(&format!("-r{:x}", range.end)));
        }
        archived.take_if(|archived| {
            let wanted = |(_, covered): (&PartitionId, &Offset)| leaf.offsets.first < *covered;
            archived.files.is_empty() || !archived.covered.iter().any(wanted)
        });
        ranges.retain_mut(|(_, range)| {
            *range = range.start.max(leaf.offsets.first)..range.end.min(leaf.offsets.end);
            !range.is_empty()
        });
    }
    Ok((all, tag))
}

/// What is read of a stream.
struct LogRanges {
    stream: Arc<StreamRuntime>,
    archived: Option<Arc<TableSnapshot>>,
    /// Of the log.
    ranges: Vec<(PartitionId, Range<Offset>)>,
}

/// The stream that a leaf reads, what is archived of it and what the log holds beyond that; `None` for leaves that read
/// a store.
fn log_of(core: &Core, leaf: &Leaf) -> Result<Option<LogRanges>, ApiError> {
    let source = &leaf.source;
    let partitions: Vec<PartitionId> = match source.reads {
        Reads::Rows => return Ok(None),
        Reads::Rejects => vec![PartitionId::REJECTS],
        Reads::Events => Vec::new(),
    };
    let stream = core.stream(source.id).ok_or_else(|| gone(source))?;
    let partitions = match source.reads {
        Reads::Events => {
            same_columns(source, &stream.schema.arrow_with_system())?;
            let wanted =
                |partition: &PartitionId| leaf.partition.is_none_or(|only| i64::from(only) == i64::from(partition.0));
            stream.partitions().filter(wanted).collect()
        }
        Reads::Rows | Reads::Rejects => partitions,
    };
    let bounds = |partition| {
        let bounds = core.log.bounds(stream.id, partition)?;
        Ok((partition, bounds.earliest..bounds.next))
    };
    let mut ranges = partitions.into_iter().map(bounds).collect::<Result<Vec<_>, EngineError>>()?;
    // In this order: the log lets go only of what is archived, so nothing falls between the two; and what is archived
    // was shown by a version before, so the one that is held next shows it.
    let archived = match &core.archives {
        Some(archives) => match archives.snapshot(stream.id, source.reads == Reads::Rejects) {
            // Which rejects were replayed is known of those that the log holds.
            Ok(_) if source.reads == Reads::Rejects && ranges.iter().all(|(_, range)| range.start == 0) => None,
            // As long as the log holds everything, the archive is not needed.
            Err(_) if ranges.iter().all(|(_, range)| range.start == 0) => None,
            found => found?,
        },
        None => None,
    };
    if let Some(archived) = &archived {
        for (partition, range) in &mut ranges {
            range.start = range.start.max(archived.covered.get(partition).copied().unwrap_or(0));
        }
    }
    Ok(Some(LogRanges { stream, archived, ranges }))
}

fn pin_rows(version: &Relations, leaf: &Leaf) -> Result<Pinned, ApiError> {
    let source = &leaf.source;
    if let Some(why) = version.failure(source.id) {
        return Err(stopped(source, why));
    }
    let store = version.store(source.id).ok_or_else(|| not_there(source))?;
    same_columns(source, store.schema())?;
    if store.key() == source.key {
        if let Some(ranked) = &leaf.ranked
            && let Some(rows) = ranked.candidate.rows(store).map_err(EngineError::from)?
        {
            return Ok(Pinned::Ranked(rows));
        }
        match &leaf.wanted {
            Wanted::Keys(keys) => {
                let rows = store.lookup(keys).map_err(EngineError::from)?;
                return Ok(Pinned::Found { columns: source.key.clone(), rows });
            }
            Wanted::Parts(parts) => {
                for (column, values) in parts {
                    if let Some(rows) = store.lookup_part(*column, values).map_err(EngineError::from)? {
                        return Ok(Pinned::Found { columns: vec![*column], rows });
                    }
                }
            }
            Wanted::All => {}
        }
    }
    Ok(Pinned::Snapshot(store.snapshot()))
}

impl Pinned {
    /// Rows at most, when that is known without reading.
    fn rows(&self) -> Option<usize> {
        match self {
            Self::Snapshot(snapshot) => Some(snapshot.rows()),
            Self::Found { rows, .. } | Self::Ranked(rows) => Some(rows.num_rows()),
            Self::Log { archived, ranges, .. } => (archived.is_none() && ranges.is_empty()).then_some(0),
        }
    }

    /// What is read of the archive.
    fn archived(&self) -> Option<Arc<TableSnapshot>> {
        match self {
            Self::Log { archived, .. } => archived.clone(),
            Self::Snapshot(_) | Self::Found { .. } | Self::Ranked(_) => None,
        }
    }

    /// Everything that is at hand or in the log.
    fn into_partitions(self, core: &Core, schema: &SchemaRef, partitions: usize) -> Vec<Arc<dyn PartitionStream>> {
        match self {
            Self::Snapshot(snapshot) => snapshot_partitions(schema, snapshot, partitions),
            Self::Found { rows, .. } | Self::Ranked(rows) => {
                vec![Arc::new(BatchesPartition::new(Arc::clone(schema), vec![rows]))]
            }
            Self::Log { stream, ranges, .. } => {
                let part = |(partition, offsets)| {
                    let (log, stream) = (Arc::clone(&core.log), Arc::clone(&stream));
                    Arc::new(LogPartition::new(log, stream, partition, offsets, Arc::clone(schema))) as Arc<_>
                };
                ranges.into_iter().map(part).collect()
            }
        }
    }
}

/// What a leaf reads, for `EXPLAIN`.
fn describe(leaf: &Leaf, pinned: &Pinned) -> String {
    let LeafSource { name, schema, .. } = &leaf.source;
    match pinned {
        Pinned::Snapshot(snapshot) => format!("read {name}: all {} rows", snapshot.rows()),
        Pinned::Found { columns, rows } => {
            let columns: Vec<&str> = columns.iter().map(|column| schema.field(*column).name().as_str()).collect();
            format!("look up {name} by ({}): {} rows", columns.join(", "), rows.num_rows())
        }
        Pinned::Ranked(rows) => {
            let index = leaf.ranked.as_ref().map(|ranked| ranked.candidate.index()).unwrap_or_default();
            format!("rank {name} by index {index}: {} rows", rows.num_rows())
        }
        Pinned::Log { archived, ranges, .. } => {
            let records: u64 = ranges.iter().map(|(_, range)| range.end - range.start).sum();
            let log = format!("read {records} records of {name} from {} partitions of the log", ranges.len());
            match archived {
                Some(archived) => {
                    format!("{log} and {} from {} files of the archive", archived.rows, archived.files.len())
                }
                None => log,
            }
        }
    }
}

/// Checks that an object still has the columns that the query was planned with.
fn same_columns(source: &LeafSource, now: &Schema) -> Result<(), ApiError> {
    let fields = source.schema.fields();
    let same = fields.len() == now.fields().len()
        && fields
            .iter()
            .zip(now.fields())
            .all(|(was, is)| was.name() == is.name() && was.data_type() == is.data_type());
    if same { Ok(()) } else { Err(gone(source)) }
}

/// Checks that a history begins at its beginning.
fn whole(
    source: &LeafSource,
    ranges: &[(PartitionId, Range<Offset>)],
    archived: Option<&TableSnapshot>,
) -> Result<(), ApiError> {
    let covered = |partition| archived.and_then(|archived| archived.covered.get(partition)).copied().unwrap_or(0);
    let cut = ranges.iter().find(|(partition, range)| range.start > covered(partition) && range.end > 0);
    let Some((partition, range)) = cut else { return Ok(()) };
    let message = format!(
        "the records of {} below offset {} of partition {partition} have passed their retention: what was computed from \
         them cannot be computed again",
        source.name, range.start
    );
    Err(ApiError::new(ErrorKind::Unsupported, message).with_hint("keep an archive, or declare a longer retention"))
}

fn gone(source: &LeafSource) -> ApiError {
    let message = format!("{} {} was changed or dropped while the query was planned", source.noun, source.name);
    ApiError::new(ErrorKind::Conflict, message).with_hint("run the query again")
}

fn stopped(source: &LeafSource, why: &str) -> ApiError {
    let message = format!("{} {} has stopped: {why}", source.noun, source.name);
    let hint = "correct its query by CREATE OR REPLACE MATERIALIZED VIEW, or drop it and create it again";
    ApiError::new(ErrorKind::Unavailable, message).with_hint(hint)
}

fn not_there(source: &LeafSource) -> ApiError {
    let message = format!("{} {} is being computed from history", source.noun, source.name);
    ApiError::new(ErrorKind::Unavailable, message).with_hint("its progress is in highwater.views; try again later")
}

fn defect(error: DataFusionError) -> ApiError {
    ApiError::internal(format!("binding a plan failed: {}", error.strip_backtrace()))
}
