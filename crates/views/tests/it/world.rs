//! A small world: a stream, a keyed stream and a table, views over them, and both ways to evaluate those views.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use highwater_model::{Column, EventBatch, KeyedSpec, ObjectId, ObjectName, PartitionId, StreamSchema};
use highwater_sql::datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use highwater_sql::datafusion::datasource::{MemTable, provider_as_source};
use highwater_sql::datafusion::logical_expr::TableSource;
use highwater_sql::datafusion::logical_expr::execution_props::ExecutionProps;
use highwater_sql::datafusion::physical_plan::collect;
use highwater_sql::{Catalog, Entry, EntryKind, Face, Planner, Relations, Retain, Statement, parse};
use highwater_views::{Dataflow, ViewPlan, ViewSpec, ViewsError};

use crate::history::Event;

pub const STREAM: ObjectId = ObjectId(1);
pub const KEYED: ObjectId = ObjectId(2);
pub const TABLE: ObjectId = ObjectId(3);

/// What was declared, the dataflow, and everything that happened.
pub struct World {
    pub catalog: Catalog,
    pub planner: Planner,
    pub flow: Dataflow,
    pub past: BTreeMap<ObjectId, Vec<Event>>,
    pub views: Vec<(ObjectId, String)>,
    /// Views whose rows leave.
    pub retains: BTreeMap<ObjectId, Retain>,
    /// The clock, in microseconds since 1970 UTC.
    pub now: i64,
    /// When events are accepted; else all at one moment.
    pub accepted_at: fn(&Event) -> i64,
}

fn columns() -> Vec<Column> {
    use arrow_schema::DataType::{Boolean, Float64, Int64, Utf8};
    vec![
        Column::new("k", Int64, false),
        Column::new("g", Utf8, true),
        Column::new("i", Int64, true),
        Column::new("f", Float64, true),
        Column::new("b", Boolean, true),
        Column::new("v", Int64, false),
    ]
}

/// All three objects have the same columns: key k, group g, number i, float f, boolean b, version v.
pub fn schema(id: ObjectId) -> StreamSchema {
    let mut schema = StreamSchema::json(columns());
    schema.partitions = if id == TABLE { 1 } else { 3 };
    schema.partition_by = vec![0];
    if id == KEYED {
        schema.keyed = Some(KeyedSpec { key: vec![0], version: Some(5), deleted: None });
    }
    if id == TABLE {
        schema.columns.push(Column::new("_deleted", arrow_schema::DataType::Boolean, true));
        schema.keyed = Some(KeyedSpec { key: vec![0], version: None, deleted: Some(6) });
    }
    schema
}

impl World {
    pub fn new(threads: usize) -> Self {
        let mut catalog = Catalog::new();
        let mut flow = Dataflow::new(threads).unwrap();
        for (id, name) in [(STREAM, "s"), (KEYED, "k"), (TABLE, "t")] {
            let kind = match id {
                TABLE => EntryKind::Table { schema: schema(id), load: None },
                _ => EntryKind::Stream { schema: schema(id) },
            };
            let given = catalog.create(ObjectName::new("public", name), String::new(), kind, Vec::new()).unwrap();
            assert_eq!(given, id);
            if id != STREAM {
                flow.add_keyed(id, &schema(id), id == TABLE).unwrap();
            }
        }
        Self {
            catalog,
            planner: Planner::new(),
            flow,
            past: BTreeMap::new(),
            views: Vec::new(),
            retains: BTreeMap::new(),
            now: 0,
            accepted_at: |_| 7,
        }
    }

    /// Plans a view's query over the declared objects.
    pub fn plan(&self, id: ObjectId, name: &str, sql: &str) -> Result<ViewPlan, String> {
        let Statement::Query(query) = parse(sql).map_err(|e| e.to_string())?.remove(0) else { panic!("no query") };
        let planned =
            self.planner.plan_for_view(&query.query, sql, &[], &self.catalog, "public").map_err(|e| e.to_string())?;
        let retain = self.retains.get(&id).cloned();
        let spec = ViewSpec { id, name: ObjectName::new("public", name), plan: planned.plan, retain };
        ViewPlan::new(&spec).map_err(|error| match &error {
            ViewsError::Refused { instead, .. } => format!("{error}\n  hint: {instead}"),
            _ => error.to_string(),
        })
    }

    /// Adds a view, built from what the relations hold and from all events so far.
    pub fn add_view(&mut self, sql: &str) -> ObjectId {
        let name = format!("v{}", self.views.len());
        let id = self.catalog.next_id();
        let plan = self.plan(id, &name, sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = plan
            .schema()
            .fields()
            .iter()
            .map(|field| Column::new(field.name(), field.data_type().clone(), field.is_nullable()))
            .collect();
        let kind = EntryKind::MaterializedView {
            query_sql: sql.to_owned(),
            columns,
            key: plan.key().to_vec(),
            retain_micros: None,
        };
        self.catalog.create(ObjectName::new("public", &name), sql.to_owned(), kind, Vec::new()).unwrap();
        self.build(plan);
        self.views.push((id, sql.to_owned()));
        id
    }

    /// As [`World::add_view`], of which rows leave so many microseconds after the time in a column.
    pub fn add_view_retaining(&mut self, sql: &str, micros: i64, by: &str) -> ObjectId {
        let retain = Retain { micros, by: Some(by.to_owned()) };
        self.retains.insert(self.catalog.next_id(), retain);
        self.add_view(sql)
    }

    /// Builds a view anew, as the engine does when a table it looks up has changed.
    pub fn rebuild(&mut self, id: ObjectId) {
        let sql = self.views.iter().find(|(view, _)| *view == id).unwrap().1.clone();
        let plan = self.plan(id, "v", &sql).unwrap();
        self.build(plan);
    }

    fn build(&mut self, plan: ViewPlan) {
        let mut build = self.flow.begin(plan).unwrap();
        build.feed_snapshots().unwrap();
        for stream in build.plan().streams().clone() {
            let events = self.past.get(&stream).cloned().unwrap_or_default();
            build.feed_events(stream, self.batches(stream, &events, &[0; 3], usize::MAX)).unwrap();
        }
        self.flow.finish(build).unwrap();
    }

    /// One tick with these events, cut into batches of at most `batch` rows.
    pub fn tick(&mut self, events: &HashMap<ObjectId, Vec<Event>>, batch: usize) {
        let mut input = HashMap::new();
        for (id, events) in events {
            let mut next = [0; 3];
            self.past.entry(*id).or_default().iter().for_each(|event| next[partition(*id, event) as usize] += 1);
            input.insert(*id, self.batches(*id, events, &next, batch));
            self.past.entry(*id).or_default().extend(events.iter().cloned());
        }
        self.flow.set_clock(self.now);
        let report = self.flow.tick(input).unwrap();
        assert!(report.failures.is_empty(), "{:?}", report.failures);
    }

    /// Nothing arrives, time goes by: a tick whenever something is due within so many microseconds of the one before.
    pub fn let_time_pass(&mut self, within_micros: i64, note: &str) {
        while let Some(due) = self.flow.due_micros().filter(|due| *due <= self.now + within_micros) {
            assert!(due > self.now, "what was due is done");
            self.now = due;
            self.tick(&HashMap::new(), 3);
            self.check(&format!("at {due} {note}"));
        }
    }

    /// The maintained rows of a view, sorted.
    pub fn live(&self, id: ObjectId) -> Vec<String> {
        let reader = self.flow.reader();
        let snapshot = reader.read().store(id).unwrap().snapshot();
        lines(&snapshot.to_batches().unwrap())
    }

    /// The rows of a view's query evaluated over everything that happened, sorted.
    pub fn batch(&self, sql: &str) -> Vec<String> {
        let Statement::Query(query) = parse(sql).unwrap().remove(0) else { panic!("no query") };
        let plan = self.planner.plan(&query.query, sql, &self.catalog, "public", self).unwrap();
        let mut state = self.planner.session_state();
        let now = chrono::DateTime::from_timestamp_micros(self.now).unwrap();
        let mut props = ExecutionProps::new().with_query_execution_start_time(now);
        props.config_options = Some(Arc::clone(state.config_options()));
        *state.execution_props_mut() = props;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A context would take the time of its own clock for now().
        let rows =
            runtime.block_on(async { collect(state.create_physical_plan(&plan).await?, state.task_ctx()).await });
        lines(&rows.unwrap_or_else(|error| panic!("{sql}: {error}")))
    }

    pub fn check(&self, note: &str) {
        for (id, sql) in &self.views {
            let expected = match self.retains.get(id) {
                None => self.batch(sql),
                Some(Retain { micros, by }) => {
                    let by = by.as_ref().unwrap();
                    self.batch(&format!(
                        "SELECT * FROM ({sql}) x WHERE x.{by} > now() - INTERVAL '{micros} microseconds'"
                    ))
                }
            };
            assert_eq!(self.live(*id), expected, "{sql}\n{note}");
        }
    }

    /// Events as batches of at most `size` rows; `next` is the next offset of each partition.
    fn batches(&self, id: ObjectId, events: &[Event], next: &[u64; 3], size: usize) -> Vec<EventBatch> {
        let (mut batches, accepted_at) = (Vec::new(), self.accepted_at);
        for index in 0..3 {
            let own: Vec<Event> = events.iter().filter(|event| partition(id, event) == index).cloned().collect();
            let mut base_offset = next[index as usize];
            let chunks = own.chunks(size.min(own.len().max(1)));
            for chunk in chunks.flat_map(|chunk| chunk.chunk_by(|a, b| accepted_at(a) == accepted_at(b))) {
                let (rows, ingested_at_micros) = (record_batch(id, chunk), accepted_at(&chunk[0]));
                batches.push(EventBatch { partition: PartitionId(index), base_offset, ingested_at_micros, rows });
                base_offset += chunk.len() as u64;
            }
        }
        batches
    }

    fn current(&self, id: ObjectId, system: bool) -> RecordBatch {
        let mut current: BTreeMap<i64, (i64, usize)> = BTreeMap::new();
        let events = self.past.get(&id).map(Vec::as_slice).unwrap_or_default();
        for (at, event) in events.iter().enumerate() {
            let version = if id == KEYED { event.v } else { at as i64 };
            let entry = current.entry(event.k).or_insert((version, at));
            if version >= entry.0 {
                *entry = (version, at);
            }
        }
        let alive = current.values().filter(|(_, at)| id != TABLE || events[*at].deleted != Some(true));
        let rows: Vec<usize> = alive.map(|(_, at)| *at).collect();
        if system {
            let all = self.events(id);
            let indexes: arrow_array::UInt32Array = rows.iter().map(|row| *row as u32).collect();
            return arrow_select::take::take_record_batch(&all, &indexes).unwrap();
        }
        let picked: Vec<Event> = rows.iter().map(|row| events[*row].clone()).collect();
        let schema = self.catalog.get(id).unwrap().relation_schema(Face::Default);
        record_batch(id, &picked).project(&(0..schema.fields().len()).collect::<Vec<_>>()).unwrap()
    }

    /// Every event with system columns, in the order it happened.
    fn events(&self, id: ObjectId) -> RecordBatch {
        let mut next = [0_u64; 3];
        let schema = schema(id).arrow_with_system();
        let rows: Vec<RecordBatch> = self
            .past
            .get(&id)
            .into_iter()
            .flatten()
            .map(|event| {
                let partition = partition(id, event);
                let offset = next[partition as usize];
                next[partition as usize] += 1;
                let rows = record_batch(id, std::slice::from_ref(event));
                let ingested_at_micros = (self.accepted_at)(event);
                let batch =
                    EventBatch { partition: PartitionId(partition), base_offset: offset, ingested_at_micros, rows };
                batch.with_system_columns(&schema).unwrap()
            })
            .collect();
        concat_batches(&schema, &rows).unwrap()
    }
}

impl Relations for World {
    fn relation(&self, entry: &Entry, face: Face) -> Option<Arc<dyn TableSource>> {
        let rows = match (entry.id, face) {
            (STREAM, _) | (KEYED | TABLE, Face::History) => self.events(entry.id),
            (KEYED, _) => self.current(KEYED, true),
            (TABLE, _) => self.current(TABLE, false),
            (view, _) => {
                let reader = self.flow.reader();
                let relations = reader.read();
                let snapshot = relations.store(view)?.snapshot();
                concat_batches(snapshot.schema(), &snapshot.to_batches().unwrap()).unwrap()
            }
        };
        let table = MemTable::try_new(rows.schema(), vec![vec![rows]]).unwrap();
        Some(provider_as_source(Arc::new(table)))
    }

    fn system(&self, _: &str) -> Option<Arc<dyn TableSource>> {
        None
    }
}

pub fn partition(id: ObjectId, event: &Event) -> u32 {
    if id == TABLE { 0 } else { event.k.rem_euclid(3) as u32 }
}

fn record_batch(id: ObjectId, events: &[Event]) -> RecordBatch {
    let schema: SchemaRef = schema(id).arrow();
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(events.iter().map(|e| Some(e.k)).collect::<Int64Array>()),
        Arc::new(events.iter().map(|e| e.g.clone()).collect::<StringArray>()),
        Arc::new(events.iter().map(|e| e.i).collect::<Int64Array>()),
        Arc::new(events.iter().map(|e| e.f).collect::<Float64Array>()),
        Arc::new(events.iter().map(|e| e.b).collect::<BooleanArray>()),
        Arc::new(events.iter().map(|e| Some(e.v)).collect::<Int64Array>()),
    ];
    if id == TABLE {
        columns.push(Arc::new(events.iter().map(|e| e.deleted).collect::<BooleanArray>()));
    }
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Rows as text, sorted.
pub fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::new().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            lines.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    lines.sort_unstable();
    lines
}
