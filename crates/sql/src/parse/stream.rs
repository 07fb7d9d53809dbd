//! `CREATE STREAM`: columns and options become a stream schema; everything that contradicts itself is reported.

use datafusion::arrow::datatypes::DataType;
use highwater_model::{Format, KeyedSpec, Lateness, Retention, StreamSchema};

use super::columns::{ColumnList, is_key, is_orderable};
use super::command::Head;
use super::cursor::{Cursor, Read};
use super::options::Options;
use crate::source::Place;
use crate::statement::CreateStream;
use crate::suggest;

/// Most partitions of a stream.
const MOST_PARTITIONS: u64 = 1024;

/// After so long without events a partition holds the watermark up no more, unless declared otherwise: a minute.
pub(crate) const DEFAULT_IDLE_MICROS: i64 = 60_000_000;

/// Largest record that can be allowed: 64 MiB.
const MOST_RECORD_BYTES: u64 = 64 << 20;

pub(super) fn create_stream(cursor: &mut Cursor<'_, '_>, head: Head) -> Read<CreateStream> {
    let sql = cursor.sql();
    let mut list = ColumnList::read(cursor)?;
    let mut options = Options::read(cursor)?;
    let key = settle_key(cursor, &mut list);
    let keyed = keyed_spec(cursor, &mut list, &mut options, key);
    let partition_by = partition_by(cursor, &list, &mut options, keyed.as_ref());
    let partitions = partitions(cursor, &mut options);
    let event_time = event_time(cursor, &list, &mut options);
    let lateness = lateness(cursor, event_time, &mut options);
    let format = format(cursor, &list, &mut options);
    let retention = Retention {
        age_micros: options.duration(cursor, "retention"),
        bytes: options.bytes(cursor, "retention_bytes").map(|(bytes, _)| bytes),
    };
    let max_record_bytes = max_record_bytes(cursor, &mut options);
    options.finish(cursor, "a stream");
    cursor.expect_end()?;
    let columns = list.columns.into_iter().map(|declared| declared.column).collect();
    let schema = StreamSchema {
        columns,
        format,
        partitions,
        partition_by,
        event_time,
        lateness,
        keyed,
        retention,
        max_record_bytes,
    };
    let Head { name, or_replace, if_not_exists } = head;
    Ok(CreateStream { sql, name, or_replace, if_not_exists, schema })
}

/// The key's column indexes; key columns become `NOT NULL`.
pub(super) fn settle_key(cursor: &mut Cursor<'_, '_>, list: &mut ColumnList) -> Vec<usize> {
    let mut key = Vec::new();
    for (name, place) in std::mem::take(&mut list.key) {
        let Some(index) = list.index_of(cursor, &name, place) else { continue };
        let declared = &mut list.columns[index];
        if key.contains(&index) {
            cursor.problems.error_hint(place, format!("\"{name}\" is in the key twice"), "list it once");
            continue;
        }
        if declared.column.data_type != DataType::Null && !is_key(&declared.column.data_type) {
            let message = format!("column \"{name}\" cannot be a key: its type has no exact equality");
            cursor.problems.error_hint(place, message, "use a text, integer, decimal, date or time column");
        }
        if let Some(null_place) = declared.says_null {
            cursor.problems.error_hint(null_place, format!("key column \"{name}\" cannot be NULL"), "leave out NULL");
        }
        declared.column.nullable = false;
        key.push(index);
    }
    key
}

fn keyed_spec(
    cursor: &mut Cursor<'_, '_>,
    list: &mut ColumnList,
    options: &mut Options,
    key: Vec<usize>,
) -> Option<KeyedSpec> {
    let version = options.text(cursor, "version");
    let deleted = options.text(cursor, "deleted");
    if key.is_empty() {
        for (option, (_, place)) in
            [("version", &version), ("deleted", &deleted)].iter().filter_map(|(n, o)| o.as_ref().map(|o| (n, o)))
        {
            cursor.problems.error_hint(
                *place,
                format!("{option} says something about rows of a key, but the stream has no PRIMARY KEY"),
                format!("declare a PRIMARY KEY, or leave out {option}"),
            );
        }
        return None;
    }
    let version = version.and_then(|(name, place)| version_column(cursor, list, &name, place));
    let deleted = deleted.and_then(|(name, place)| {
        let index = list.index_of(cursor, &name, place)?;
        if list.columns[index].column.data_type == DataType::Boolean {
            return Some(index);
        }
        let message = format!("deleted names \"{name}\", which is not BOOLEAN");
        cursor.problems.error_hint(place, message, "declare the column BOOLEAN; true deletes the row of the key");
        None
    });
    Some(KeyedSpec { key, version, deleted })
}

/// The version column becomes `NOT NULL`: an event without a version has no place among the others.
fn version_column(cursor: &mut Cursor<'_, '_>, list: &mut ColumnList, name: &str, place: Place) -> Option<usize> {
    let index = list.index_of(cursor, name, place)?;
    let declared = &mut list.columns[index];
    if declared.column.data_type != DataType::Null && !is_orderable(&declared.column.data_type) {
        let message = format!("column \"{name}\" cannot be the version: its values have no exact order");
        cursor.problems.error_hint(place, message, "use an integer, decimal, text, date or time column");
        return None;
    }
    if let Some(null_place) = declared.says_null {
        cursor.problems.error_hint(null_place, format!("version column \"{name}\" cannot be NULL"), "leave out NULL");
    }
    declared.column.nullable = false;
    Some(index)
}

fn partition_by(
    cursor: &mut Cursor<'_, '_>,
    list: &ColumnList,
    options: &mut Options,
    keyed: Option<&KeyedSpec>,
) -> Vec<usize> {
    let Some((text, place)) = options.text(cursor, "partition_by") else {
        return keyed.map_or_else(Vec::new, |keyed| keyed.key.clone());
    };
    let mut columns = Vec::new();
    for name in text.split(',').map(str::trim) {
        let Some(index) = list.index_of(cursor, name, place) else { continue };
        let data_type = &list.columns[index].column.data_type;
        if keyed.is_some_and(|keyed| !keyed.key.contains(&index)) {
            cursor.problems.error_hint(
                place,
                format!("a keyed stream is partitioned by its key, which \"{name}\" is not part of"),
                "leave out partition_by, or name columns of the PRIMARY KEY: all events of a key must meet in one partition",
            );
        } else if *data_type != DataType::Null && !is_key(data_type) {
            let message = format!("column \"{name}\" cannot pick a partition: its type has no exact equality");
            cursor.problems.error_hint(place, message, "use a text, integer, decimal, date or time column");
        } else if !columns.contains(&index) {
            columns.push(index);
        }
    }
    columns
}

fn partitions(cursor: &mut Cursor<'_, '_>, options: &mut Options) -> u32 {
    match options.number(cursor, "partitions") {
        Some((number, place)) => match u32::try_from(number) {
            Ok(partitions) if (1..=MOST_PARTITIONS).contains(&number) => partitions,
            _ => {
                let message = format!("partitions is {number}");
                cursor.problems.error_hint(
                    place,
                    message,
                    format!("1 to {MOST_PARTITIONS}; the number of cores is a good start"),
                );
                1
            }
        },
        None => 1,
    }
}

fn event_time(cursor: &mut Cursor<'_, '_>, list: &ColumnList, options: &mut Options) -> Option<usize> {
    let (name, place) = options.text(cursor, "event_time")?;
    let index = list.index_of(cursor, &name, place)?;
    match list.columns[index].column.data_type {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Null => Some(index),
        _ => {
            let message = format!("event_time names \"{name}\", which holds no time");
            cursor.problems.error_hint(place, message, "name a TIMESTAMPTZ, TIMESTAMP or DATE column");
            None
        }
    }
}

fn lateness(cursor: &mut Cursor<'_, '_>, event_time: Option<usize>, options: &mut Options) -> Option<Lateness> {
    let lateness_at = options.place("lateness");
    let micros = options.duration(cursor, "lateness");
    let idle_at = options.place("idle");
    let idle_micros = options.duration(cursor, "idle");
    if let (Some(place), None) = (idle_at, lateness_at) {
        let hint = "add lateness = '10 seconds', or leave out idle";
        cursor.problems.error_hint(place, "idle says when a partition does not hold the watermark up", hint);
    }
    if let (Some(place), None) = (lateness_at, event_time) {
        let hint = "add event_time = 'ts', the column with the time of the event";
        cursor.problems.error_hint(place, "lateness needs an event time", hint);
    }
    Some(Lateness { micros: micros?, idle_micros: idle_micros.unwrap_or(DEFAULT_IDLE_MICROS) })
}

fn format(cursor: &mut Cursor<'_, '_>, list: &ColumnList, options: &mut Options) -> Format {
    let written = options.text(cursor, "format");
    let delimiter = options.text(cursor, "delimiter");
    let fallback = options.text(cursor, "fallback_delimiter");
    let layout = options.text(cursor, "layout");
    let quoted = options.boolean(cursor, "quoted");
    let (name, place) = written.unwrap_or_else(|| ("json".to_owned(), Place::default()));
    let (default_delimiter, default_quoted) = match name.as_str() {
        "json" => {
            let texts = [
                ("delimiter", delimiter.map(|d| d.1)),
                ("fallback_delimiter", fallback.map(|f| f.1)),
                ("layout", layout.map(|l| l.1)),
                ("quoted", quoted.map(|q| q.1)),
            ];
            for (option, place) in texts.into_iter().filter_map(|(option, place)| Some((option, place?))) {
                let message = format!("{option} says something about text, but the format is json");
                cursor.problems.error_hint(place, message, format!("add format = 'text', or leave out {option}"));
            }
            return Format::Json;
        }
        "text" => (b',', false),
        "csv" => (b',', true),
        "tsv" => (b'\t', false),
        _ => {
            let hint = suggest::hint(&name, &["json", "text", "csv", "tsv"]);
            cursor.problems.error_hint(place, format!("no format '{name}'"), hint);
            return Format::Json;
        }
    };
    for place in list.columns.iter().filter_map(|c| c.path_place) {
        let hint = "leave out PATH; layout says which field is which column";
        cursor.problems.error_hint(place, format!("PATH finds nothing in records of format '{name}'"), hint);
    }
    let delimiter = delimiter.map_or(default_delimiter, |(text, place)| single_byte(cursor, &text, place));
    let layout = layout.map_or_else(
        || list.columns.iter().map(|c| c.column.name.clone()).collect(),
        |(text, place)| read_layout(cursor, list, &text, delimiter, place),
    );
    let quoted = quoted.map_or(default_quoted, |(quoted, _)| quoted);
    if let (true, Some((_, place))) = (quoted, &fallback) {
        let hint = "leave out fallback_delimiter, or write quoted = false";
        cursor.problems.error_hint(*place, "quoted fields have one delimiter", hint);
    }
    let fallback_delimiter = fallback.map(|(text, place)| single_byte(cursor, &text, place));
    Format::Text { delimiter, layout, quoted, fallback_delimiter }
}

/// A separator: one ASCII character that is no quote, letter, digit or line end.
pub(super) fn single_byte(cursor: &mut Cursor<'_, '_>, text: &str, place: Place) -> u8 {
    let text = if text == "\\t" { "\t" } else { text };
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !byte.is_ascii_alphanumeric() && !matches!(byte, b'"' | b'\n' | b'\r') => *byte,
        _ => {
            let message = format!("delimiter '{text}' is not one ASCII separator");
            cursor.problems.error_hint(place, message, "write for example delimiter = ';' or '\\t'");
            b','
        }
    }
}

/// Field names in order, separated by the delimiter or by commas. Unknown names are fields to skip.
fn read_layout(cursor: &mut Cursor<'_, '_>, list: &ColumnList, text: &str, delimiter: u8, place: Place) -> Vec<String> {
    let separator = if text.contains(char::from(delimiter)) { char::from(delimiter) } else { ',' };
    let layout: Vec<String> = text.split(separator).map(|name| name.trim().to_owned()).collect();
    for (i, name) in layout.iter().enumerate() {
        if !name.is_empty() && layout[..i].contains(name) {
            cursor.problems.error_hint(place, format!("layout names \"{name}\" twice"), "name each field once");
        }
    }
    let missing: Vec<&str> = list
        .columns
        .iter()
        .filter(|c| !c.column.nullable && !layout.contains(&c.column.name))
        .map(|c| c.column.name.as_str())
        .collect();
    if !missing.is_empty() {
        let message =
            format!("layout lacks {}, which cannot be NULL: every record would be rejected", missing.join(", "));
        cursor.problems.error_hint(place, message, "name the field in the layout, or allow NULL");
    }
    layout
}

pub(super) fn max_record_bytes(cursor: &mut Cursor<'_, '_>, options: &mut Options) -> u32 {
    match options.bytes(cursor, "max_record_bytes") {
        Some((bytes, place)) => match u32::try_from(bytes) {
            Ok(limit) if (16..=MOST_RECORD_BYTES).contains(&bytes) => limit,
            _ => {
                let hint = format!("16 to {MOST_RECORD_BYTES} bytes");
                cursor.problems.error_hint(place, format!("max_record_bytes is {bytes}"), hint);
                StreamSchema::DEFAULT_MAX_RECORD_BYTES
            }
        },
        None => StreamSchema::DEFAULT_MAX_RECORD_BYTES,
    }
}
