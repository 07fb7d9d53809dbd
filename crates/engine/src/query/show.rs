//! `SHOW` and `DESCRIBE`: rows of the system tables, chosen by schema, and session variables.

use arrow_array::cast::AsArray;
use arrow_array::types::Utf8Type;
use arrow_array::{BooleanArray, RecordBatch};
use arrow_select::filter::filter_record_batch;
use highwater_api::{Answer, ApiError, ErrorKind};
use highwater_sql::{Catalog, EntryKind, Face, NameRef, SYSTEM_SCHEMA, Show, ShowKind, sql_type};

use super::system;
use super::table::{Table, answer};
use crate::core::Core;
use crate::error::catalog_error;

/// Carries out a `SHOW`; `schema` is the one in which unqualified names are looked up first.
pub(crate) fn show(core: &Core, show: &Show, schema: &str) -> Result<Answer, ApiError> {
    let catalog = core.catalog.read();
    if let Some(wanted) = show.in_schema.as_deref().filter(|wanted| *wanted != SYSTEM_SCHEMA) {
        catalog.check_schema(wanted).map_err(|error| catalog_error(&error))?;
    }
    let in_schema = |name: &str, kind: Option<&str>| {
        let rows = system::rows(core, &catalog, name).unwrap_or_else(|| Table::default().rows())?;
        let rows = keep(rows, "schema", show.in_schema.as_deref())?;
        keep(rows, "kind", kind)
    };
    let rows = match &show.kind {
        ShowKind::Streams => in_schema("streams", None)?,
        ShowKind::Tables => in_schema("tables", None)?,
        ShowKind::Jobs => in_schema("jobs", None)?,
        ShowKind::Indexes => in_schema("indexes", None)?,
        ShowKind::MaterializedViews => in_schema("views", Some("materialized view"))?,
        ShowKind::Views => plain_views(&catalog, show.in_schema.as_deref())?,
        ShowKind::Schemas => Table::default().text("name", schemas(&catalog)).rows()?,
        ShowKind::Columns(name) => columns(core, &catalog, name, schema)?,
        ShowKind::Create(name) => create(&catalog, name, schema)?,
        ShowKind::Variable(name) => variable(core, name, schema)?,
    };
    drop(catalog);
    Ok(answer(core, rows))
}

/// The rows whose column of this name has this value; all of them when no value is given.
fn keep(rows: RecordBatch, column: &str, value: Option<&str>) -> Result<RecordBatch, ApiError> {
    let (Some(value), Some(column)) = (value, rows.column_by_name(column)) else { return Ok(rows) };
    let texts = column.as_bytes::<Utf8Type>();
    let mask: BooleanArray = texts.iter().map(|text| Some(text == Some(value))).collect();
    filter_record_batch(&rows, &mask).map_err(|error| ApiError::internal(error.to_string()))
}

fn plain_views(catalog: &Catalog, schema: Option<&str>) -> Result<RecordBatch, ApiError> {
    let mut views: Vec<_> = catalog
        .entries()
        .filter(|entry| matches!(entry.kind, EntryKind::View { .. }))
        .filter(|entry| schema.is_none_or(|schema| entry.name.schema == schema))
        .collect();
    views.sort_by(|a, b| a.name.cmp(&b.name));
    Table::default()
        .text("schema", views.iter().map(|view| view.name.schema.clone()))
        .text("name", views.iter().map(|view| view.name.name.clone()))
        .text("sql", views.iter().map(|view| view.sql.clone()))
        .rows()
}

fn schemas(catalog: &Catalog) -> Vec<String> {
    let mut names: Vec<String> = catalog.schemas().map(str::to_owned).collect();
    names.push(SYSTEM_SCHEMA.to_owned());
    names.sort();
    names
}

fn columns(core: &Core, catalog: &Catalog, name: &NameRef, schema: &str) -> Result<RecordBatch, ApiError> {
    if name.schema.as_deref() == Some(SYSTEM_SCHEMA)
        && let Some(rows) = system::rows(core, catalog, &name.name)
    {
        return fields(&rows?);
    }
    let found = catalog.resolve(name.schema.as_deref(), &name.name, schema).map_err(|error| catalog_error(&error))?;
    match found.face {
        Face::Rejects => fields(&RecordBatch::new_empty(found.entry.relation_schema(Face::Rejects))),
        Face::Default | Face::History => {
            let rows = system::columns(std::iter::once(found.entry)).rows()?;
            // Which relation it is was in the question.
            let wanted = ["column", "type", "nullable", "key"];
            let wanted: Vec<usize> = wanted.iter().filter_map(|name| rows.schema_ref().index_of(name).ok()).collect();
            rows.project(&wanted).map_err(|error| ApiError::internal(error.to_string()))
        }
    }
}

/// The columns of rows that belong to no object.
fn fields(rows: &RecordBatch) -> Result<RecordBatch, ApiError> {
    let fields = rows.schema_ref().fields();
    Table::default()
        .text("column", fields.iter().map(|field| field.name().clone()))
        .text("type", fields.iter().map(|field| sql_type(field.data_type())))
        .flag("nullable", fields.iter().map(|field| field.is_nullable()))
        .flag("key", fields.iter().map(|_| false))
        .rows()
}

fn create(catalog: &Catalog, name: &NameRef, schema: &str) -> Result<RecordBatch, ApiError> {
    let found = catalog.find(name.schema.as_deref(), &name.name, schema).map_err(|error| catalog_error(&error))?;
    Table::default().text("name", [found.name.to_string()]).text("sql", [found.sql.clone()]).rows()
}

fn variable(core: &Core, name: &str, schema: &str) -> Result<RecordBatch, ApiError> {
    let memory_limit = core.memory.limit().to_string();
    let all = [
        ("client_encoding", "UTF8"),
        ("memory_limit", memory_limit.as_str()),
        ("search_path", schema),
        ("server_encoding", "UTF8"),
        ("server_version", env!("CARGO_PKG_VERSION")),
        ("timezone", "UTC"),
    ];
    if name.eq_ignore_ascii_case("all") {
        return Table::default()
            .text("name", all.map(|(name, _)| name.to_owned()))
            .text("setting", all.map(|(_, value)| value.to_owned()))
            .rows();
    }
    match all.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((known, value)) => Table::default().text(known, [(*value).to_owned()]).rows(),
        None => {
            let known: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
            Err(ApiError::new(ErrorKind::NotFound, format!("there is no variable \"{name}\""))
                .with_hint(format!("there are {}", known.join(", "))))
        }
    }
}
