//! Checks what a ranked index is declared on: a relation whose rows have a key, and columns that have an order.

use highwater_model::{Diagnostics, ObjectId, ObjectName};

use super::Planner;
use crate::catalog::{Catalog, Entry, EntryKind, Face, IndexColumn};
use crate::source::Problems;
use crate::statement::{CreateIndex, WrittenColumn};
use crate::suggest;

/// A ranked index that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedIndex {
    /// Its name: in the schema of its relation unless another is written.
    pub name: ObjectName,
    /// What it is.
    pub kind: EntryKind,
    /// The relation it ranks.
    pub relation: ObjectId,
}

impl Planner {
    /// Plans a `CREATE INDEX … RANKED`; `schema` is the one in which unqualified names are looked up first.
    ///
    /// # Errors
    /// Everything found wrong, with places in `text`.
    pub fn plan_index(
        &self,
        create: &CreateIndex,
        text: &str,
        catalog: &Catalog,
        schema: &str,
    ) -> Result<PlannedIndex, Diagnostics> {
        let mut problems = Problems::new(text);
        let found = catalog.find(create.relation.schema.as_deref(), &create.relation.name, schema);
        let entry = match found {
            Ok(entry) => entry,
            Err(error) => {
                problems.error_hint(create.relation.place, error.to_string(), error.hint().unwrap_or_default());
                return Err(problems.into_diagnostics());
            }
        };
        if let Some((message, hint)) = unranked(entry) {
            problems.error_hint(create.relation.place, message, hint);
            return Err(problems.into_diagnostics());
        }
        let mut seen: Vec<&str> = Vec::new();
        let columns = create.partition.iter().chain(create.order.iter().map(|order| &order.column));
        for column in columns {
            check_column(column, entry, &seen, &mut problems);
            seen.push(&column.name);
        }
        if problems.count() > 0 {
            return Err(problems.into_diagnostics());
        }
        let order = create.order.iter().map(|order| IndexColumn {
            name: order.column.name.clone(),
            descending: order.descending,
            nulls_first: order.nulls_first,
        });
        Ok(PlannedIndex {
            name: create.name.in_schema(&entry.name.schema),
            kind: EntryKind::Index {
                partition: create.partition.iter().map(|column| column.name.clone()).collect(),
                order: order.collect(),
            },
            relation: entry.id,
        })
    }
}

/// Why rows of an object cannot be ranked, and what to do instead.
fn unranked(entry: &Entry) -> Option<(String, &'static str)> {
    let key = entry.relation_source(Face::Default).map(|source| source.key);
    let what = format!("{} {}", entry.kind.noun(), entry.name);
    match &entry.kind {
        EntryKind::View { .. } => Some((
            format!("{what} is evaluated when read: it has no rows to rank"),
            "put the index on the table or materialized view that it reads: queries through the view use it too",
        )),
        EntryKind::Index { .. } => Some((format!("{what} has no rows of its own"), "name what it ranks")),
        EntryKind::Stream { schema } if schema.keyed.is_none() => Some((
            format!("{what} is not keyed: its events have no current rows"),
            "rank a materialized view of it, or declare the stream with a PRIMARY KEY",
        )),
        _ if key.is_none_or(|key| key.is_empty()) => Some((
            format!("no key identifies the rows of {what}"),
            "rank a view whose rows have a key, such as one with GROUP BY",
        )),
        _ => None,
    }
}

fn check_column(column: &WrittenColumn, entry: &Entry, seen: &[&str], problems: &mut Problems<'_>) {
    let schema = entry.relation_schema(Face::Default);
    let WrittenColumn { name, place } = column;
    if seen.contains(&name.as_str()) {
        let message = format!("column \"{name}\" is named twice");
        problems.error_hint(*place, message, "leave it out here: rows that are equal in it so far stay together");
        return;
    }
    match schema.field_with_name(name) {
        Err(_) => {
            let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let message = format!("{} {} has no column \"{name}\"", entry.kind.noun(), entry.name);
            problems.error_hint(*place, message, suggest::hint(name, &names));
        }
        Ok(field) if field.data_type().is_nested() => {
            let message = format!("column \"{name}\" is a list, struct or map, which has no order");
            problems.error_hint(*place, message, "rank by a plain column, such as one element of it in a view");
        }
        Ok(_) => {}
    }
}
