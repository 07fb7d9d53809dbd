//! What the SQL planner asks about names: relations by the catalog's search path, functions by the session.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{Result, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, LogicalPlanBuilder, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::sql::sqlparser::ast;
use highwater_model::ObjectId;

use super::Planner;
use super::diagnose::Refusal;
use super::past::{self, Past};
use super::{lookup, rewrite};
use crate::catalog::{Catalog, Entry, EntryKind, Face, Resolved, SYSTEM_SCHEMA};

/// Where the rows of relations come from, for queries that will be run. The engine supplies `TableProvider`s.
pub trait Relations {
    /// A relation of an object; `None` when it cannot be read now.
    fn relation(&self, entry: &Entry, face: Face) -> Option<Arc<dyn TableSource>>;

    /// A system table of the schema `highwater`; `None` when there is none of this name.
    fn system(&self, name: &str) -> Option<Arc<dyn TableSource>>;

    /// A relation as it was; else why that cannot be told, and what to do.
    ///
    /// # Errors
    /// A sentence and a hint.
    fn past(&self, entry: &Entry, _: Face, _: &Past) -> Result<Arc<dyn TableSource>, (String, String)> {
        Err((format!("the past of {} cannot be read here", entry.name), "leave out FOR SYSTEM_TIME".to_owned()))
    }

    /// The time, in microseconds since 1970 UTC, for points in the past that are reckoned from it.
    fn now_micros(&self) -> i64 {
        0
    }

    /// Names of all system tables, for hints and listings.
    fn system_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Which leaves plans get.
#[derive(Clone, Copy)]
pub(super) enum Leaves<'a> {
    /// Rows to run over.
    Rows(&'a dyn Relations),
    /// Schemas only, to check a plain view; system tables from the engine.
    Schemas(&'a dyn Relations),
    /// [`crate::RelationSource`], for maintenance.
    Maintained,
}

/// One query's view of catalog and functions.
pub(super) struct Scope<'a> {
    pub(super) planner: &'a Planner,
    pub(super) catalog: &'a Catalog,
    /// The schema in which unqualified names are looked up first.
    pub(super) schema: &'a str,
    pub(super) leaves: Leaves<'a>,
    /// Plain views that were expanded, and other objects read.
    pub(super) read: &'a RefCell<BTreeSet<ObjectId>>,
    /// [`Entry::sees`] of the view whose query it is.
    pub(super) sees: &'a BTreeMap<ObjectId, usize>,
    /// The point in the past at which everything is read, unless a relation says another.
    pub(super) past: Option<Past>,
    /// The points that relations of this query say, by number.
    pub(super) points: &'a [ast::Expr],
}

/// What a query sees that is written now: everything.
pub(super) const SEES_ALL: &BTreeMap<ObjectId, usize> = &BTreeMap::new();

impl<'a> Scope<'a> {
    /// The scope of a query that is written now and reads the present.
    pub(super) fn new(
        planner: &'a Planner,
        catalog: &'a Catalog,
        schema: &'a str,
        leaves: Leaves<'a>,
        read: &'a RefCell<BTreeSet<ObjectId>>,
    ) -> Self {
        Self { planner, catalog, schema, leaves, read, sees: SEES_ALL, past: None, points: &[] }
    }
}

impl Scope<'_> {
    fn source(&self, name: &TableReference) -> Result<Arc<dyn TableSource>, Refusal> {
        let (schema, table) = match name {
            TableReference::Bare { table } => (None, table.as_ref()),
            TableReference::Partial { schema, table } => (Some(schema.as_ref()), table.as_ref()),
            TableReference::Full { .. } => {
                return Err(Refusal::new(format!("the name {name} has three parts"), "write schema.name"));
            }
        };
        if let Some((point, table)) = past::past_of(table) {
            return self.in_the_past(point, schema, table);
        }
        if schema == Some(SYSTEM_SCHEMA) {
            if self.past.is_some() {
                let message = format!("the system table {SYSTEM_SCHEMA}.{table} has no past");
                return Err(Refusal::new(message, "leave out FOR SYSTEM_TIME"));
            }
            return self.system(table);
        }
        if let Some((number, table)) = lookup::versions_of(table) {
            return self.versions(number, schema, table);
        }
        if let Some(table) = lookup::messages_of(table) {
            return self.leaf(self.catalog.resolve(schema, table, self.schema)?.entry, Face::History);
        }
        let (table, history) = match rewrite::history_of(table) {
            Some(stream) => (stream, true),
            None => (table, false),
        };
        let Resolved { entry, mut face } = self.catalog.resolve(schema, table, self.schema)?;
        if history {
            if !entry.has_face(Face::History) {
                let message = format!("HISTORY reads streams, and {} is a {}", entry.name, entry.kind.noun());
                return Err(Refusal::new(message, format!("read FROM {}", entry.name)));
            }
            face = Face::History;
        }
        if matches!(entry.kind, EntryKind::Index { .. }) {
            let ranked = entry.depends_on.first().and_then(|id| self.catalog.get(*id));
            let ranked = ranked.map_or_else(|| "what it ranks".to_owned(), |ranked| ranked.name.to_string());
            let message = format!("{} is a ranked index, which has no rows of its own", entry.name);
            return Err(Refusal::new(message, format!("read FROM {ranked}: queries use the index by themselves")));
        }
        self.read.borrow_mut().insert(entry.id);
        match (&entry.kind, face) {
            (EntryKind::View { query_sql, .. }, Face::Default) => self.expand(entry, query_sql),
            _ => self.leaf(entry, face),
        }
    }

    /// A relation at the point of this number.
    fn in_the_past(&self, point: usize, schema: Option<&str>, table: &str) -> Result<Arc<dyn TableSource>, Refusal> {
        let relations = match self.leaves {
            Leaves::Rows(relations) | Leaves::Schemas(relations) => relations,
            Leaves::Maintained => {
                let message = format!("a materialized view cannot read the past of {table}");
                let hint =
                    "write CREATE VIEW: it is evaluated when read; or join it FOR SYSTEM_TIME AS OF a time of the row";
                return Err(Refusal::new(message, hint));
            }
        };
        let written = self.points.get(point);
        let written =
            written.ok_or_else(|| Refusal::new(format!("there is no relation \"{table}\""), "correct the name"))?;
        let past = Some(self.point(written, relations.now_micros())?);
        let name = match schema {
            Some(schema) => TableReference::partial(schema, table),
            None => TableReference::bare(table),
        };
        Scope { past, ..*self }.source(&name)
    }

    /// The versions of a relation, whose spans a join compares with a time of its rows.
    fn versions(&self, number: usize, schema: Option<&str>, table: &str) -> Result<Arc<dyn TableSource>, Refusal> {
        let Resolved { entry, face } = self.catalog.resolve(schema, table, self.schema)?;
        self.read.borrow_mut().insert(entry.id);
        let seen = entry.with_columns(self.sees.get(&entry.id).copied());
        let sql = lookup::versions(&seen, face, number)?;
        self.expanded(&sql, &[], |problem, hint| {
            Refusal::new(format!("what {} was cannot be looked up: {problem}", entry.name), hint)
        })
    }

    fn system(&self, table: &str) -> Result<Arc<dyn TableSource>, Refusal> {
        let relations = match self.leaves {
            Leaves::Rows(relations) | Leaves::Schemas(relations) => relations,
            Leaves::Maintained => {
                let message = format!("a materialized view cannot read the system table {SYSTEM_SCHEMA}.{table}");
                return Err(Refusal::new(message, "write CREATE VIEW: it is evaluated when read"));
            }
        };
        relations.system(table).ok_or_else(|| {
            let names = relations.system_names();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            Refusal::new(format!("there is no system table \"{table}\""), crate::suggest::hint(table, &names))
        })
    }

    fn leaf(&self, entry: &Entry, face: Face) -> Result<Arc<dyn TableSource>, Refusal> {
        if let (Leaves::Rows(relations), Some(past)) = (self.leaves, &self.past) {
            return relations.past(entry, face, past).map_err(|(message, hint)| Refusal::new(message, hint));
        }
        let seen = entry.with_columns(self.sees.get(&entry.id).copied());
        match self.leaves {
            Leaves::Rows(relations) => {
                let source = relations.relation(entry, face).ok_or_else(|| {
                    Refusal::new(
                        format!("{} \"{}\" cannot be read now", entry.kind.noun(), entry.name),
                        "try again shortly",
                    )
                })?;
                if let Cow::Borrowed(_) = seen { Ok(source) } else { Ok(narrowed(&seen, face, source)?) }
            }
            Leaves::Schemas(_) => Ok(Arc::new(SchemaOnly(seen.relation_schema(face)))),
            Leaves::Maintained => match seen.relation_source(face) {
                Some(source) => Ok(Arc::new(source)),
                None => Err(Refusal::new(
                    format!("a materialized view cannot read the rejected records of {}", entry.name),
                    "write CREATE VIEW: it is evaluated when read",
                )),
            },
        }
    }

    /// The plan of a plain view, made in its own schema, under the names its columns had when it was created.
    fn expand(&self, entry: &Entry, query_sql: &str) -> Result<Arc<dyn TableSource>, Refusal> {
        let inner = Scope { schema: &entry.name.schema, sees: &entry.sees, past: self.past.clone(), ..*self };
        inner.expanded(query_sql, entry.kind.columns(), |problem, hint| {
            let hint = if hint.is_empty() { "change the view with CREATE OR REPLACE VIEW".to_owned() } else { hint };
            Refusal::new(format!("view \"{}\" cannot be used here: {problem}", entry.name), hint)
        })
    }

    /// The plan of a query kept as text, in place of a relation; `wrong` puts its first problem and hint into words.
    fn expanded(
        &self,
        sql: &str,
        columns: &[highwater_model::Column],
        wrong: impl Fn(String, String) -> Refusal,
    ) -> Result<Arc<dyn TableSource>, Refusal> {
        let plan = self.plan_stored(sql, columns).map_err(|problems| {
            let first = problems.0.into_iter().next();
            let (message, hint) = first.map(|d| (d.message, d.hint)).unwrap_or_default();
            wrong(message, hint.unwrap_or_default())
        })?;
        Ok(Arc::new(Expanded { schema: Arc::clone(plan.schema().inner()), plan }))
    }
}

/// A relation of which some columns are seen.
fn narrowed(seen: &Entry, face: Face, source: Arc<dyn TableSource>) -> Result<Arc<dyn TableSource>, Refusal> {
    let plan = || -> Result<LogicalPlan> {
        let scan = LogicalPlanBuilder::scan(seen.name.name.as_str(), source, None)?;
        let wanted = seen.relation_schema(face);
        let columns = scan.schema().columns();
        let columns = columns.into_iter().filter(|column| wanted.index_of(&column.name).is_ok()).map(Expr::Column);
        scan.project(columns.collect::<Vec<_>>())?.build()
    };
    let plan = plan().map_err(|error| Refusal::new(error.strip_backtrace(), "this is a defect: please report it"))?;
    Ok(Arc::new(Expanded { schema: Arc::clone(plan.schema().inner()), plan }))
}

impl ContextProvider for Scope<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        self.source(&name).map_err(|refusal| DataFusionError::External(Box::new(refusal)))
    }

    fn get_table_function_source(
        &self,
        name: &str,
        _args: Vec<datafusion::logical_expr::Expr>,
    ) -> Result<Arc<dyn TableSource>> {
        let refusal = Refusal::new(
            format!("there is no table function {name}"),
            "there are HISTORY(stream), TUMBLE, HOP and SESSION",
        );
        Err(DataFusionError::External(Box::new(refusal.about(name))))
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(datafusion::datasource::cte_worktable::CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.planner.state().expr_planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        None
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.planner.state().scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.planner.state().higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.planner.state().aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.planner.state().window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.planner.state().config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        sorted(self.planner.state().scalar_functions().keys())
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        sorted(self.planner.state().higher_order_functions().keys())
    }

    fn udaf_names(&self) -> Vec<String> {
        sorted(self.planner.state().aggregate_functions().keys())
    }

    fn udwf_names(&self) -> Vec<String> {
        sorted(self.planner.state().window_functions().keys())
    }
}

/// In one order, so that the same misspelling is always given the same suggestion.
fn sorted<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut names: Vec<String> = names.cloned().collect();
    names.sort_unstable();
    names
}

/// A plain view, which DataFusion puts into the plan in place of a scan.
struct Expanded {
    schema: SchemaRef,
    plan: LogicalPlan,
}

impl TableSource for Expanded {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn get_logical_plan(&self) -> Option<Cow<'_, LogicalPlan>> {
        Some(Cow::Borrowed(&self.plan))
    }
}

/// A relation of which only the columns matter.
struct SchemaOnly(SchemaRef);

impl TableSource for SchemaOnly {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.0)
    }
}
