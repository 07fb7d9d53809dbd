//! `CREATE TABLE`: keyed reference data, perhaps loaded from a file.

use datafusion::arrow::datatypes::DataType;
use highwater_model::{Column, KeyedSpec, StreamSchema};

use super::columns::ColumnList;
use super::command::Head;
use super::cursor::{Cursor, Read};
use super::options::Options;
use super::stream::{settle_key, single_byte};
use crate::catalog::DELETED_COLUMN;
use crate::statement::{CreateTable, TableLoad};

pub(super) fn create_table(cursor: &mut Cursor<'_, '_>, head: Head) -> Read<CreateTable> {
    let sql = cursor.sql();
    if cursor.word_at(0, "AS") {
        return cursor.fail(
            "CREATE TABLE AS is not supported",
            "write CREATE MATERIALIZED VIEW to keep a query's rows current, or CREATE TABLE and INSERT INTO … SELECT",
        );
    }
    let mut list = ColumnList::read(cursor)?;
    let mut options = Options::read(cursor)?;
    let declares_key = !list.key.is_empty();
    let key = settle_key(cursor, &mut list);
    if !declares_key {
        cursor.problems.error_hint(
            head.name.place,
            format!("table \"{}\" has no PRIMARY KEY", head.name.name),
            "write PRIMARY KEY behind the column that identifies a row, or PRIMARY KEY (a, b) at the end of the list",
        );
    }
    let load = read_load(cursor, &list, &mut options);
    options.finish(cursor, "a table");
    cursor.expect_end()?;
    let mut columns: Vec<Column> = list.columns.into_iter().map(|declared| declared.column).collect();
    let deleted = Some(columns.len());
    columns.push(Column::new(DELETED_COLUMN, DataType::Boolean, true));
    let mut schema = StreamSchema::json(columns);
    schema.partition_by.clone_from(&key);
    schema.keyed = Some(KeyedSpec { key, version: None, deleted });
    let Head { name, or_replace, if_not_exists } = head;
    Ok(CreateTable { sql, name, or_replace, if_not_exists, schema, load })
}

fn read_load(cursor: &mut Cursor<'_, '_>, list: &ColumnList, options: &mut Options) -> Option<TableLoad> {
    let path = options.text(cursor, "path");
    let delimiter = options.text(cursor, "delimiter");
    let header = options.boolean(cursor, "header");
    let quoted = options.boolean(cursor, "quoted");
    let Some((path, place)) = path else {
        let places =
            [("delimiter", delimiter.map(|o| o.1)), ("header", header.map(|o| o.1)), ("quoted", quoted.map(|o| o.1))];
        for (option, place) in places.into_iter().filter_map(|(option, place)| Some((option, place?))) {
            let message = format!("{option} says how a file is read, but there is no path");
            cursor.problems.error_hint(place, message, "add path = 'data/file.csv'");
        }
        return None;
    };
    if path.is_empty() || path.contains('\0') {
        cursor.problems.error_hint(place, "the path names no file", "write path = 'data/file.csv'");
        return None;
    }
    for place in list.columns.iter().filter_map(|c| c.path_place) {
        let hint = "leave out PATH; the file's header line says which field is which column";
        cursor.problems.error_hint(place, "PATH finds nothing in a delimited file", hint);
    }
    let by_name = if path.trim_end_matches(".gz").ends_with(".tsv") { b'\t' } else { b',' };
    Some(TableLoad {
        delimiter: delimiter.map_or(by_name, |(text, place)| single_byte(cursor, &text, place)),
        header: header.is_none_or(|(header, _)| header),
        quoted: quoted.map_or(by_name == b',', |(quoted, _)| quoted),
        path,
    })
}
