//! Planning `INSERT`, `UPDATE` and `DELETE` on tables as queries that give whole rows: those to write, or to delete.

use std::cell::RefCell;
use std::collections::BTreeSet;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};
use datafusion::sql::sqlparser::ast::{self, Ident, SelectItem};
use highwater_model::{Column, Diagnostic, Diagnostics, ObjectId};

use super::Planner;
use super::context::{Leaves, Relations, Scope};
use super::diagnose::diagnose;
use super::read::{QueryTemplate, quoted};
use crate::catalog::{Catalog, Entry, EntryKind};
use crate::names::fold;
use crate::source::{Place, Problems};
use crate::statement::{Delete, Insert, NameRef, Update};
use crate::suggest;

/// A write to a table: run the plan, then append its rows to the table's log.
#[derive(Clone, Debug)]
pub struct TableWrite {
    /// The table.
    pub table: ObjectId,
    /// Gives the rows: the table's visible columns in order, with their types. A NULL in a column that cannot hold
    /// one is found when rows are checked, not here.
    pub plan: LogicalPlan,
}

impl Planner {
    /// Plans an `INSERT`: the rows to write. Columns not named are NULL.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`, the text the statement was parsed from.
    pub fn plan_insert(
        &self,
        insert: &Insert,
        text: &str,
        catalog: &Catalog,
        schema: &str,
        relations: &dyn Relations,
    ) -> Result<TableWrite, Diagnostics> {
        let entry = table(catalog, &insert.table, schema, text, "INSERT")?;
        let columns = entry.kind.columns();
        let written = insert_columns(entry, &insert.columns, text)?;
        let plan = self.plan(&insert.source, text, catalog, schema, relations)?;
        let given = plan.schema().columns();
        if given.len() != written.len() {
            let message = format!("{} values for {} columns", given.len(), written.len());
            let names: Vec<&str> = written.iter().map(|at| columns[*at].name.as_str()).collect();
            return Err(insert.table.place.error(message, text).with_hint(format!("give {}", names.join(", "))).into());
        }
        let exprs = columns.iter().enumerate().map(|(at, column)| {
            let value = match written.iter().position(|w| *w == at) {
                Some(position) => Expr::Column(given[position].clone()),
                None => lit(ScalarValue::Null),
            };
            (value, column)
        });
        Ok(TableWrite { table: entry.id, plan: project(plan.clone(), exprs.collect(), text)? })
    }

    /// Plans an `UPDATE`: the changed rows, whole, with their new values.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan_update(
        &self,
        update: &Update,
        text: &str,
        catalog: &Catalog,
        schema: &str,
        relations: &dyn Relations,
    ) -> Result<TableWrite, Diagnostics> {
        let entry = table(catalog, &update.table, schema, text, "UPDATE")?;
        let assignments = assignments(entry, update, text)?;
        let alias = update.alias.clone().unwrap_or_else(|| quoted(&entry.name.name));
        let items = entry.kind.columns().iter().enumerate().map(|(at, column)| {
            let own = ast::Expr::CompoundIdentifier(vec![alias.clone(), quoted(&column.name)]);
            let expr = assignments.iter().find(|(to, _)| *to == at).map_or(own, |(_, value)| (*value).clone());
            SelectItem::ExprWithAlias { expr, alias: quoted(&column.name) }
        });
        let template =
            QueryTemplate::new(&entry.name, alias.clone()).select(items.collect()).filter(update.filter.clone());
        self.whole_rows(entry, template, text, catalog, schema, relations)
    }

    /// Plans a `DELETE`: the rows to delete, whole.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan_delete(
        &self,
        delete: &Delete,
        text: &str,
        catalog: &Catalog,
        schema: &str,
        relations: &dyn Relations,
    ) -> Result<TableWrite, Diagnostics> {
        let entry = table(catalog, &delete.table, schema, text, "DELETE")?;
        let alias = delete.alias.clone().unwrap_or_else(|| quoted(&entry.name.name));
        let template = QueryTemplate::new(&entry.name, alias).filter(delete.filter.clone());
        self.whole_rows(entry, template, text, catalog, schema, relations)
    }

    fn whole_rows(
        &self,
        entry: &Entry,
        template: QueryTemplate,
        text: &str,
        catalog: &Catalog,
        schema: &str,
        relations: &dyn Relations,
    ) -> Result<TableWrite, Diagnostics> {
        let read = RefCell::new(BTreeSet::new());
        let scope = Scope::new(self, catalog, schema, Leaves::Rows(relations), &read);
        let plan = scope.plan(&template.query(), text)?;
        let given = plan.schema().columns();
        let exprs = given.into_iter().map(Expr::Column).zip(entry.kind.columns()).collect();
        Ok(TableWrite { table: entry.id, plan: project(plan, exprs, text)? })
    }
}

/// The plan with each value cast to its column's type, under the column's name.
fn project(plan: LogicalPlan, values: Vec<(Expr, &Column)>, text: &str) -> Result<LogicalPlan, Diagnostics> {
    use datafusion::logical_expr::ExprSchemable;

    let mut problems = Diagnostics::default();
    let mut exprs = Vec::new();
    for (value, column) in values {
        match value.cast_to(&column.data_type, plan.schema()) {
            Ok(cast) => exprs.push(cast.alias(&column.name)),
            Err(_) => problems.push(
                Diagnostic::general(format!(
                    "the value for column \"{}\" does not fit its type {}",
                    column.name, column.data_type
                ))
                .with_hint("CAST it to the column's type"),
            ),
        }
    }
    if problems.has_errors() {
        return Err(problems);
    }
    LogicalPlanBuilder::from(plan).project(exprs).and_then(LogicalPlanBuilder::build).map_err(|e| diagnose(&e, text))
}

/// The table to be written; anything else is refused with where its rows come from.
fn table<'a>(
    catalog: &'a Catalog,
    name: &NameRef,
    schema: &str,
    text: &str,
    verb: &str,
) -> Result<&'a Entry, Diagnostics> {
    let found = catalog.find(name.schema.as_deref(), &name.name, schema).map_err(|error| {
        let diagnostic = name.place.error(error.to_string(), text);
        Diagnostics::from(match error.hint() {
            Some(hint) => diagnostic.with_hint(hint),
            None => diagnostic,
        })
    })?;
    let hint = match &found.kind {
        EntryKind::Table { .. } => return Ok(found),
        EntryKind::Stream { .. } => format!("send events to POST /v1/streams/{}/events", found.name),
        EntryKind::MaterializedView { .. } | EntryKind::View { .. } | EntryKind::Index { .. } => {
            "its rows come from its query; change what the query reads".to_owned()
        }
    };
    let message = format!("{verb} writes to tables, and {} is a {}", found.name, found.kind.noun());
    Err(name.place.error(message, text).with_hint(hint).into())
}

/// Indexes of the columns an `INSERT` writes; columns that cannot be NULL must be among them.
fn insert_columns(entry: &Entry, written: &[Ident], text: &str) -> Result<Vec<usize>, Diagnostics> {
    let columns = entry.kind.columns();
    let mut problems = Problems::new(text);
    if written.is_empty() {
        return Ok((0..columns.len()).collect());
    }
    let mut indexes = Vec::new();
    for ident in written {
        match column_index(entry, ident, &mut problems) {
            Some(at) if indexes.contains(&at) => {
                let message = format!("column \"{}\" is written twice", columns[at].name);
                problems.error_hint(Place::of(ident.span), message, "name it once");
            }
            Some(at) => indexes.push(at),
            None => {}
        }
    }
    for (at, column) in columns.iter().enumerate() {
        if !column.nullable && !indexes.contains(&at) {
            let place = written.first().map_or(Place::default(), |ident| Place::of(ident.span));
            let message = format!("column \"{}\" cannot be NULL and is not written", column.name);
            problems.error_hint(place, message, "add it to the column list with a value");
        }
    }
    if problems.count() == 0 { Ok(indexes) } else { Err(problems.into_diagnostics()) }
}

/// Columns and new values of an `UPDATE`; key columns stay.
fn assignments<'a>(entry: &Entry, update: &'a Update, text: &str) -> Result<Vec<(usize, &'a ast::Expr)>, Diagnostics> {
    let key = entry.kind.stream_schema().and_then(|schema| schema.keyed.as_ref()).map(|keyed| keyed.key.as_slice());
    let mut problems = Problems::new(text);
    let mut assigned: Vec<(usize, &ast::Expr)> = Vec::new();
    for (ident, value) in &update.assignments {
        let Some(at) = column_index(entry, ident, &mut problems) else { continue };
        let name = &entry.kind.columns()[at].name;
        if key.is_some_and(|key| key.contains(&at)) {
            let message = format!("\"{name}\" is part of the key, which UPDATE cannot change");
            problems.error_hint(Place::of(ident.span), message, "DELETE the row and INSERT it under its new key");
        } else if assigned.iter().any(|(other, _)| *other == at) {
            problems.error_hint(Place::of(ident.span), format!("column \"{name}\" is set twice"), "set it once");
        } else {
            assigned.push((at, value));
        }
    }
    if problems.count() == 0 { Ok(assigned) } else { Err(problems.into_diagnostics()) }
}

fn column_index(entry: &Entry, ident: &Ident, problems: &mut Problems<'_>) -> Option<usize> {
    let name = fold(ident);
    let columns = entry.kind.columns();
    let found = columns.iter().position(|column| column.name == name);
    if found.is_none() {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let message = format!("{} has no column \"{name}\"", entry.name);
        problems.error_hint(Place::of(ident.span), message, suggest::hint(&name, &names));
    }
    found
}
