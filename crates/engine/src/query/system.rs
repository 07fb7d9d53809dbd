//! The tables of the schema `highwater`: what there is and how it is doing, as rows made when a query names them.

use std::sync::Arc;

use arrow_array::RecordBatch;
use highwater_api::{ApiError, JobStatus, ViewState, ViewStatus};
use highwater_model::{Column, PartitionId};
use highwater_sql::datafusion::logical_expr::TableSource;
use highwater_sql::{Catalog, Entry, EntryKind, IndexColumn, sql_type};
use highwater_views::EventTime;

use super::audits::{audit_rows, audits, mark_text};
use super::scan_batches::{self, BatchesPartition};
use super::table::Table;
use crate::archive::archive_lag;
use crate::audit::mark;
use crate::batch::Manifest;
use crate::core::Core;
use crate::status::{lags, rejects, rows_of, view_statuses};

/// Names of all system tables.
pub(super) const NAMES: [&str; 11] = [
    "audit_rows",
    "audits",
    "columns",
    "indexes",
    "jobs",
    "operators",
    "partitions",
    "relations",
    "streams",
    "tables",
    "views",
];

/// A system table as the source of a scan; `None` when there is none of this name.
pub(super) fn source(core: &Core, catalog: &Catalog, name: &str) -> Option<Arc<dyn TableSource>> {
    let rows =
        rows(core, catalog, name)?.inspect_err(|error| tracing::error!(%error, name, "a system table failed")).ok()?;
    let schema = rows.schema();
    scan_batches::source(Arc::clone(&schema), vec![Arc::new(BatchesPartition::new(schema, vec![rows]))]).ok()
}

/// The rows of a system table; `None` when there is none of this name.
pub(super) fn rows(core: &Core, catalog: &Catalog, name: &str) -> Option<Result<RecordBatch, ApiError>> {
    let table = match name {
        "audit_rows" => audit_rows(&core.record.all()),
        "audits" => audits(&core.record.all()),
        "columns" => columns(catalog.entries()),
        "indexes" => indexes(core, catalog),
        "jobs" => jobs(core),
        "operators" => operators(core, catalog),
        "partitions" => partitions(core, catalog),
        "relations" => relations(catalog),
        "streams" => streams(core, catalog),
        "tables" => tables(core, catalog),
        "views" => views(core, catalog),
        _ => return None,
    };
    Some(table.rows())
}

/// Objects in the order of their names.
fn sorted(catalog: &Catalog, wanted: impl Fn(&EntryKind) -> bool) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = catalog.entries().filter(|entry| wanted(&entry.kind)).collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    entries
}

fn named(entries: &[&Entry]) -> Table {
    Table::default()
        .text("schema", entries.iter().map(|entry| entry.name.schema.clone()))
        .text("name", entries.iter().map(|entry| entry.name.name.clone()))
}

/// The columns of these objects.
pub(super) fn columns<'a>(entries: impl Iterator<Item = &'a Entry>) -> Table {
    let mut entries: Vec<&Entry> = entries.collect();
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    let each =
        || entries.iter().flat_map(|entry| entry.kind.columns().iter().enumerate().map(move |(at, c)| (entry, at, c)));
    Table::default()
        .text("schema", each().map(|(entry, _, _)| entry.name.schema.clone()))
        .text("relation", each().map(|(entry, _, _)| entry.name.name.clone()))
        .text("column", each().map(|(_, _, column)| column.name.clone()))
        .text("type", each().map(|(_, _, column)| sql_type(&column.data_type)))
        .flag("nullable", each().map(|(_, _, column)| column.nullable))
        .flag("key", each().map(|(entry, at, _)| key(entry).contains(&at)))
        .number("position", each().map(|(_, at, _)| at as u64 + 1))
}

/// Indexes of the columns that identify a row of an object.
fn key(entry: &Entry) -> &[usize] {
    match &entry.kind {
        EntryKind::MaterializedView { key, .. } => key,
        kind => kind.stream_schema().and_then(|schema| schema.keyed.as_ref()).map_or(&[], |keyed| &keyed.key),
    }
}

fn key_names(entry: &Entry) -> Option<String> {
    let columns: &[Column] = entry.kind.columns();
    let names: Vec<&str> = key(entry).iter().filter_map(|at| columns.get(*at)).map(|c| c.name.as_str()).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Ranked indexes and how they are doing.
fn indexes(core: &Core, catalog: &Catalog) -> Table {
    let entries = sorted(catalog, |kind| matches!(kind, EntryKind::Index { .. }));
    let relation = |entry: &Entry| entry.depends_on.first().and_then(|id| catalog.get(*id));
    let texts = |entry: &Entry| match &entry.kind {
        EntryKind::Index { partition, order } => {
            let order: Vec<String> = order.iter().map(IndexColumn::sql).collect();
            ((!partition.is_empty()).then(|| partition.join(", ")), order.join(", "))
        }
        _ => (None, String::new()),
    };
    let version = core.reader.read();
    let held = |entry: &Entry| {
        let store = entry.depends_on.first().and_then(|id| version.store(*id))?;
        let index = store.ranked().iter().find(|index| index.spec().id == entry.id)?;
        Some((index.len() as u64, index.bytes() as u64))
    };
    let held: Vec<Option<(u64, u64)>> = entries.iter().map(|entry| held(entry)).collect();
    drop(version);
    let jobs: Vec<_> = entries.iter().map(|entry| core.jobs.of(entry.id)).collect();
    let states = held.iter().zip(&jobs).map(|(held, job)| match (held, job) {
        (Some(_), _) => "live",
        (None, Some(job)) if job.error.is_some() => "failed",
        (None, _) => "building",
    });
    named(&entries)
        .text("relation", entries.iter().map(|entry| relation(entry).map(|relation| relation.name.to_string())))
        .text("partition_by", entries.iter().map(|entry| texts(entry).0))
        .text("order_by", entries.iter().map(|entry| texts(entry).1))
        .text("state", states.map(str::to_owned))
        .number("rows", held.iter().map(|held| held.map(|(rows, _)| rows)))
        .number("bytes", held.iter().map(|held| held.map(|(_, bytes)| bytes)))
        .fraction(
            "progress",
            held.iter().zip(&jobs).map(|(held, job)| match (held, job) {
                (Some(_), _) => 1.0,
                (None, job) => job.as_ref().map_or(0.0, |job| job.progress),
            }),
        )
        .text("error", jobs.iter().map(|job| job.as_ref().and_then(|job| job.error.clone())))
}

/// Views and indexes being built, then audits and recomputations by their numbers.
fn jobs(core: &Core) -> Table {
    let builds: Vec<_> = core.jobs.list().into_iter().map(|(_, job)| job).collect();
    let tasks = core.tasks.list();
    let state = |failed| if failed { "failed" } else { "running" };
    let relation = |task: &JobStatus| task.relation.as_deref().and_then(|name| name.split_once('.')).map(owned);
    let nothing = || builds.iter().map(|_| None::<u64>);
    let never = || builds.iter().map(|_| None::<i64>);
    Table::default()
        .text(
            "schema",
            builds
                .iter()
                .map(|job| Some(job.name.schema.clone()))
                .chain(tasks.iter().map(|task| Some(relation(task)?.0))),
        )
        .text(
            "name",
            builds
                .iter()
                .map(|job| Some(job.name.name.clone()))
                .chain(tasks.iter().map(|task| Some(relation(task)?.1))),
        )
        .text(
            "kind",
            builds.iter().map(|job| job.kind).chain(tasks.iter().map(|task| task.kind.name())).map(str::to_owned),
        )
        .text(
            "state",
            builds
                .iter()
                .map(|job| state(job.error.is_some()))
                .chain(tasks.iter().map(|task| task.state.name()))
                .map(str::to_owned),
        )
        .fraction("progress", builds.iter().map(|job| job.progress).chain(tasks.iter().map(|task| task.progress)))
        .text("error", builds.iter().map(|job| job.error.clone()).chain(tasks.iter().map(|_| None)))
        .number("job", nothing().chain(tasks.iter().map(|task| Some(task.id))))
        .number("relations", nothing().chain(tasks.iter().map(|task| Some(task.relations))))
        .number("done", nothing().chain(tasks.iter().map(|task| Some(task.results.len() as u64))))
        .time("started", never().chain(tasks.iter().map(|task| Some(task.started_micros))))
        .time("finished", never().chain(tasks.iter().map(|task| task.finished_micros)))
}

fn owned((schema, name): (&str, &str)) -> (String, String) {
    (schema.to_owned(), name.to_owned())
}

/// What every view, table and keyed stream holds, by operator: its own rows first, then from the result to the leaves.
fn operators(core: &Core, catalog: &Catalog) -> Table {
    let figures = core.tick.figures();
    let entries = sorted(catalog, |_| true);
    let each: Vec<_> = entries
        .iter()
        .filter_map(|entry| Some((entry, figures.get(&entry.id)?)))
        .flat_map(|(entry, figures)| (1_u64..).zip(&figures.operators).map(move |(at, operator)| (entry, at, operator)))
        .collect();
    Table::default()
        .text("schema", each.iter().map(|(entry, ..)| entry.name.schema.clone()))
        .text("relation", each.iter().map(|(entry, ..)| entry.name.name.clone()))
        .number("position", each.iter().map(|(_, at, _)| *at))
        .text("operator", each.iter().map(|(.., operator)| operator.operator.clone()))
        .text("holds", each.iter().map(|(.., operator)| operator.holds.clone()))
        .number("rows", each.iter().map(|(.., operator)| operator.rows as u64))
        .number("bytes", each.iter().map(|(.., operator)| operator.bytes as u64))
        .text("bounded_by", each.iter().map(|(.., operator)| operator.bounded_by.clone()))
}

fn partitions(core: &Core, catalog: &Catalog) -> Table {
    let mut rows = Vec::new();
    for entry in sorted(catalog, EntryKind::is_logged) {
        let count = entry.kind.stream_schema().map_or(0, |schema| schema.partitions);
        for partition in (0..count).map(PartitionId) {
            let bounds = core.log.bounds(entry.id, partition).unwrap_or_default();
            let visible = core.reader.read().offsets.get(entry.id, partition);
            rows.push((entry, partition, bounds, visible));
        }
    }
    Table::default()
        .text("schema", rows.iter().map(|(entry, ..)| entry.name.schema.clone()))
        .text("stream", rows.iter().map(|(entry, ..)| entry.name.name.clone()))
        .number("partition", rows.iter().map(|(_, partition, ..)| u64::from(partition.0)))
        .number("earliest", rows.iter().map(|(_, _, bounds, _)| bounds.earliest))
        .number("next", rows.iter().map(|(_, _, bounds, _)| bounds.next))
        .number("visible", rows.iter().map(|(_, _, _, visible)| *visible))
}

fn relations(catalog: &Catalog) -> Table {
    let entries = sorted(catalog, |_| true);
    let reads = |entry: &&Entry| {
        let names = entry.depends_on.iter().filter_map(|id| catalog.get(*id)).map(|input| input.name.to_string());
        let names: Vec<String> = names.collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    named(&entries)
        .text("kind", entries.iter().map(|entry| entry.kind.noun().to_owned()))
        .text("key", entries.iter().map(|entry| key_names(entry)))
        .text("reads", entries.iter().map(reads))
        .text("sql", entries.iter().map(|entry| entry.sql.clone()))
}

fn streams(core: &Core, catalog: &Catalog) -> Table {
    let entries = sorted(catalog, |kind| matches!(kind, EntryKind::Stream { .. }));
    let lags = lags(core);
    let sizes: Vec<_> = entries.iter().map(|entry| core.log.size(entry.id).unwrap_or_default()).collect();
    let held: Vec<_> =
        entries.iter().map(|entry| core.archives.as_ref().map(|archives| archives.held(entry.id))).collect();
    let behind: Vec<_> = entries
        .iter()
        .map(|entry| Some(archive_lag(core, core.archives.as_ref()?, core.stream(entry.id)?.as_ref())))
        .collect();
    let times: Vec<Option<EventTime>> = {
        let version = core.reader.read();
        entries.iter().map(|entry| version.event_time(entry.id).cloned()).collect()
    };
    named(&entries)
        .text("key", entries.iter().map(|entry| key_names(entry)))
        .number("partitions", entries.iter().map(|e| e.kind.stream_schema().map(|schema| u64::from(schema.partitions))))
        .number("records", sizes.iter().map(|size| size.records))
        .number("rejects", entries.iter().zip(&sizes).map(|(entry, size)| rejects(core, entry.id, *size)))
        .number("bytes", sizes.iter().map(|size| size.bytes))
        .number("lag", entries.iter().map(|entry| lags.get(&entry.id).copied()))
        .number("archived", held.iter().map(|held| held.as_ref().map(|held| held.rows)))
        .number("archived_bytes", held.iter().map(|held| held.as_ref().map(|held| held.bytes)))
        .number("archived_files", held.iter().map(|held| held.as_ref().map(|held| held.files)))
        .time("archived_at", held.iter().map(|held| held.as_ref()?.committed_at_micros))
        .number("archive_lag", behind.iter().copied())
        .text("archive_error", held.iter().map(|held| held.as_ref()?.error.clone()))
        .number("current_rows", entries.iter().map(|entry| rows_of(core, entry.id)))
        .time("watermark", times.iter().map(|time| time.as_ref()?.watermark))
        .number("late", times.iter().map(|time| time.as_ref().map(|time| time.late)))
}

fn tables(core: &Core, catalog: &Catalog) -> Table {
    let entries = sorted(catalog, |kind| matches!(kind, EntryKind::Table { .. }));
    let figures = core.tick.figures();
    let figures: Vec<_> = entries.iter().map(|entry| figures.get(&entry.id)).collect();
    let load = |entry: &&Entry| match &entry.kind {
        EntryKind::Table { load, .. } => load.as_ref().map(|load| load.path.clone()),
        _ => None,
    };
    named(&entries)
        .text("key", entries.iter().map(|entry| key_names(entry)))
        .number("rows", entries.iter().map(|entry| rows_of(core, entry.id)))
        .number("bytes", figures.iter().map(|figures| figures.map(|figures| figures.bytes as u64)))
        .text("path", entries.iter().map(load))
}

fn views(core: &Core, catalog: &Catalog) -> Table {
    let is_view = |kind: &EntryKind| matches!(kind, EntryKind::MaterializedView { .. } | EntryKind::View { .. });
    let entries = sorted(catalog, is_view);
    let statuses = view_statuses(core, catalog, &lags(core));
    let figures = core.tick.figures();
    let version = core.reader.read().version();
    let of = |entry: &&Entry| statuses.get(&entry.id);
    let batches: Vec<_> = entries.iter().map(|entry| core.batches.newest(entry.id)).collect();
    let audited: Vec<_> = entries.iter().map(|entry| core.record.last(&entry.name.to_string())).collect();
    named(&entries)
        .text("kind", entries.iter().map(|entry| entry.kind.noun().to_owned()))
        .text("state", entries.iter().map(|entry| of(entry).map(|view| state_name(view).to_owned())))
        .text("key", entries.iter().map(|entry| key_names(entry)))
        .number("rows", entries.iter().map(|entry| of(entry).map(|view| view.rows)))
        .number("bytes", entries.iter().map(|entry| of(entry).map(|view| view.bytes)))
        .number("lag", entries.iter().map(|entry| of(entry).map(|view| view.lag)))
        .fraction("progress", entries.iter().map(|entry| of(entry).map(|view| view.progress)))
        .number("late", entries.iter().map(|entry| figures.get(&entry.id).and_then(|figures| figures.late)))
        .text("error", entries.iter().map(|entry| of(entry).and_then(|view| view.error.clone())))
        .text("mark", batches.iter().map(|batch| batch.as_ref().and_then(|batch| mark_of(catalog, batch))))
        .time("mark_at", batches.iter().map(|batch| batch.as_ref().map(|batch| batch.finished_micros)))
        .number("batch_rows", batches.iter().map(|batch| batch.as_ref().map(|batch| batch.rows)))
        .text("audit", audited.iter().map(|last| last.as_ref().map(|last| last.outcome.name().to_owned())))
        .time("audited", audited.iter().map(|last| last.as_ref().map(|last| last.finished_micros)))
        .text("version", entries.iter().map(|entry| of(entry).map(|_| version.clone())))
}

/// The offsets that a view's batch result covers.
fn mark_of(catalog: &Catalog, batch: &Manifest) -> Option<String> {
    mark_text(&mark(catalog, batch.view, &batch.offsets))
}

pub(super) fn state_name(view: &ViewStatus) -> &'static str {
    match view.state {
        ViewState::Live => "live",
        ViewState::Backfilling => "backfilling",
        ViewState::Rebuilding => "rebuilding",
        ViewState::Failed => "failed",
    }
}
