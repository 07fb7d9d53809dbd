//! `ALTER STREAM`: what is to change, one by one. Whether the stream can become so is judged where it is carried out.

use datafusion::sql::sqlparser::tokenizer::Token;
use highwater_model::{Format, JsonPath};

use super::columns::ColumnList;
use super::cursor::{Cursor, Read, Reported};
use super::options::Options;
use super::stream::max_record_bytes;
use super::types::read_type;
use crate::statement::{AlterStream, StreamChange, WrittenColumn};

/// What stored records were read, partitioned and shown by.
const FIXED: [&str; 9] =
    ["version", "deleted", "partition_by", "partitions", "event_time", "format", "delimiter", "layout", "quoted"];

pub(super) fn alter(cursor: &mut Cursor<'_, '_>) -> Read<AlterStream> {
    let sql = cursor.sql();
    cursor.advance();
    if !cursor.take("STREAM") {
        let found = cursor.found();
        return cursor.fail(
            format!("ALTER {found} is not supported"),
            "ALTER STREAM changes a stream; declare anything else again with CREATE OR REPLACE",
        );
    }
    let name = cursor.object_name("the stream's name")?;
    let mut changes = Vec::new();
    loop {
        change(cursor, &mut changes)?;
        if !cursor.take_token(&Token::Comma) {
            break;
        }
    }
    let cascade = cursor.take("CASCADE");
    cursor.expect_end()?;
    Ok(AlterStream { sql, name, changes, cascade })
}

fn change(cursor: &mut Cursor<'_, '_>, changes: &mut Vec<StreamChange>) -> Read<()> {
    if cursor.take("ADD") {
        cursor.take("COLUMN");
        changes.push(add_column(cursor)?);
    } else if cursor.take("ALTER") {
        cursor.take("COLUMN");
        changes.push(alter_column(cursor)?);
    } else if cursor.take("SET") {
        set_options(cursor, changes)?;
    } else if cursor.take("RESET") {
        reset_options(cursor, changes)?;
    } else if cursor.word_at(0, "DROP") {
        return cursor.fail("columns of a stream are not dropped", "stored records have it: leave it out in views");
    } else if cursor.word_at(0, "RENAME") {
        return cursor.fail("a stream is not renamed", "give it another name in a view: CREATE VIEW other AS SELECT …");
    } else {
        return cursor.expected("ADD COLUMN, ALTER COLUMN, SET (…) or RESET (…)");
    }
    Ok(())
}

fn add_column(cursor: &mut Cursor<'_, '_>) -> Read<StreamChange> {
    let if_not_exists = cursor.if_not_exists();
    let (declared, key) = ColumnList::read_one(cursor)?;
    if let Some((_, place)) = key {
        cursor.problems.error_hint(
            place,
            "a column that is added cannot be in the PRIMARY KEY",
            "create a stream of another name and send it the events",
        );
        return Err(Reported);
    }
    let Some(declared) = declared else { return cursor.expected("a column") };
    Ok(StreamChange::AddColumn {
        column: declared.column,
        place: declared.place,
        path_place: declared.path_place,
        if_not_exists,
    })
}

fn alter_column(cursor: &mut Cursor<'_, '_>) -> Read<StreamChange> {
    let (name, place) = cursor.identifier("a column")?;
    let column = WrittenColumn { name, place };
    if cursor.take_all(&["DROP", "NOT", "NULL"]) {
        return Ok(StreamChange::DropNotNull { column });
    }
    if cursor.word_at(0, "SET") && cursor.word_at(1, "NOT") {
        return cursor.fail(
            "a column cannot become NOT NULL: records stored before may lack it",
            "filter by IS NOT NULL in views",
        );
    }
    if cursor.word_at(1, "DEFAULT") {
        return cursor.fail("DEFAULT is not supported", "write coalesce(column, value) in the view");
    }
    let _ = cursor.take_all(&["SET", "DATA", "TYPE"]) || cursor.take("TYPE");
    let data_type = read_type(cursor)?;
    Ok(StreamChange::SetType { column, data_type })
}

fn set_options(cursor: &mut Cursor<'_, '_>, changes: &mut Vec<StreamChange>) -> Read<()> {
    let mut options = Options::read_list(cursor)?;
    for name in FIXED {
        if let Some(place) = options.drop_written(name) {
            let message = format!("{name} cannot change: stored records were read, partitioned and shown by it");
            cursor.problems.error_hint(place, message, "create a stream of another name and send it the events");
        }
    }
    changes.extend(options.duration(cursor, "retention").map(|age| StreamChange::Retention(Some(age))));
    changes
        .extend(options.bytes(cursor, "retention_bytes").map(|(bytes, _)| StreamChange::RetentionBytes(Some(bytes))));
    let lateness_at = options.place("lateness");
    changes.extend(
        options
            .duration(cursor, "lateness")
            .zip(lateness_at)
            .map(|(micros, place)| StreamChange::Lateness { micros: Some(micros), place }),
    );
    let idle_at = options.place("idle");
    changes.extend(
        options.duration(cursor, "idle").zip(idle_at).map(|(micros, place)| StreamChange::Idle { micros, place }),
    );
    if options.place("max_record_bytes").is_some() {
        changes.push(StreamChange::MaxRecordBytes(max_record_bytes(cursor, &mut options)));
    }
    options.finish(cursor, "ALTER STREAM … SET");
    Ok(())
}

fn reset_options(cursor: &mut Cursor<'_, '_>, changes: &mut Vec<StreamChange>) -> Read<()> {
    cursor.expect_token(&Token::LParen)?;
    loop {
        let place = cursor.place();
        let (name, _) = cursor.identifier("an option")?;
        changes.push(match name.as_str() {
            "retention" => StreamChange::Retention(None),
            "retention_bytes" => StreamChange::RetentionBytes(None),
            "lateness" => StreamChange::Lateness { micros: None, place },
            _ => {
                let hint = "RESET (retention), (retention_bytes) or (lateness) takes what was declared away";
                cursor.problems.error_hint(place, format!("\"{name}\" cannot be reset"), hint);
                return Err(Reported);
            }
        });
        if !cursor.take_token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)
}

/// The layout of a text with a field for a column more, unless it has one already.
pub(crate) fn extend_layout(format: &mut Format, name: &str) {
    if let Format::Text { layout, .. } = format
        && !layout.iter().any(|field| field == name)
    {
        layout.push(name.to_owned());
    }
}

/// Whether a column of this path can be found in records of this format.
pub(crate) fn finds(format: &Format, path: Option<&JsonPath>) -> bool {
    matches!(format, Format::Json) || path.is_none()
}
