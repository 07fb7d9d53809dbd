//! Column lists of `CREATE STREAM` and `CREATE TABLE`: names, types, keys, JSON paths, time formats.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::sql::sqlparser::tokenizer::Token;
use highwater_model::{Column, TimeEncoding};

use super::cursor::{Cursor, Read};
use super::types::read_type;
use super::values;
use crate::source::Place;
use crate::suggest;

/// A column of the primary key: its name, and where it was named.
type KeyColumn = (String, Place);

/// Most columns of a stream or table.
const MOST_COLUMNS: usize = 1000;

/// A declared column with what checks need to know about how it was written.
pub(super) struct Declared {
    pub(super) column: Column,
    pub(super) place: Place,
    /// Where `PATH` was written.
    pub(super) path_place: Option<Place>,
    /// Whether `NULL` was written.
    pub(super) says_null: Option<Place>,
}

/// The column list.
pub(super) struct ColumnList {
    pub(super) columns: Vec<Declared>,
    /// Primary key columns as written, by name and place; empty: none was declared.
    pub(super) key: Vec<KeyColumn>,
}

impl ColumnList {
    /// Reads `(column …, PRIMARY KEY (…))`.
    pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Read<Self> {
        let mut list = Self { columns: Vec::new(), key: Vec::new() };
        cursor.expect_token(&Token::LParen)?;
        loop {
            if list.read_item(cursor).is_err() {
                cursor.skip_item();
            }
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
        if list.columns.len() > MOST_COLUMNS {
            let place = list.columns[MOST_COLUMNS].place;
            cursor.problems.error_hint(
                place,
                format!("more than {MOST_COLUMNS} columns"),
                "keep rare fields in a JSON column",
            );
        }
        Ok(list)
    }

    /// Reads one column, and where it was made the primary key.
    pub(super) fn read_one(cursor: &mut Cursor<'_, '_>) -> Read<(Option<Declared>, Option<KeyColumn>)> {
        let mut list = Self { columns: Vec::new(), key: Vec::new() };
        list.read_item(cursor)?;
        Ok((list.columns.pop(), list.key.pop()))
    }

    /// Index of a column by name; reports an unknown one.
    pub(super) fn index_of(&self, cursor: &mut Cursor<'_, '_>, name: &str, place: Place) -> Option<usize> {
        let found = self.columns.iter().position(|c| c.column.name == name);
        if found.is_none() {
            let names: Vec<&str> = self.columns.iter().map(|c| c.column.name.as_str()).collect();
            cursor.problems.error_hint(place, format!("no column \"{name}\""), suggest::hint(name, &names));
        }
        found
    }

    fn read_item(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<()> {
        if cursor.word_at(0, "PRIMARY") && cursor.word_at(1, "KEY") && cursor.peek_at(2) == Some(&Token::LParen) {
            return self.read_key(cursor);
        }
        for refused in ["CONSTRAINT", "UNIQUE", "CHECK", "FOREIGN"] {
            if cursor.word_at(0, refused)
                && !matches!(cursor.peek_at(1), Some(Token::Word(w)) if is_type_word(&w.value))
            {
                return cursor.fail(
                    format!("{refused} is not supported"),
                    "only PRIMARY KEY (…) and NOT NULL are checked when events arrive",
                );
            }
        }
        let (name, place) = cursor.identifier("a column name")?;
        check_name(cursor, &name, place);
        if self.columns.iter().any(|c| c.column.name == name) {
            cursor.problems.error_hint(place, format!("column \"{name}\" is there twice"), "rename one of them");
        }
        let data_type = match read_type(cursor) {
            Ok(data_type) => data_type,
            Err(reported) => {
                // The name stays known, so that the key and the options do not add misleading problems.
                self.remember(name, place);
                return Err(reported);
            }
        };
        let column = Column::new(name.clone(), data_type, true);
        self.columns.push(Declared { column, place, path_place: None, says_null: None });
        self.read_clauses(cursor, &name, place)?;
        match cursor.peek() {
            None | Some(Token::Comma | Token::RParen) => Ok(()),
            Some(_) if cursor.word_at(0, "CASCADE") => Ok(()),
            Some(_) => {
                let found = cursor.found();
                cursor.fail(
                    format!("expected , or ) after column \"{name}\", found {found}"),
                    suggest::hint(&found, &["NULL", "NOT NULL", "PRIMARY KEY", "PATH", "FORMAT", "ZONE", "UNIT"]),
                )
            }
        }
    }

    fn remember(&mut self, name: String, place: Place) {
        let column = Column::new(name, DataType::Null, true);
        self.columns.push(Declared { column, place, path_place: None, says_null: None });
    }

    fn read_key(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<()> {
        let place = cursor.place();
        cursor.take_all(&["PRIMARY", "KEY"]);
        if !self.key.is_empty() {
            return cursor.fail("PRIMARY KEY is declared twice", "list all key columns in one PRIMARY KEY (…)");
        }
        cursor.expect_token(&Token::LParen)?;
        loop {
            let key = cursor.identifier("a key column")?;
            self.key.push(key);
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        if self.key.len() > 16 {
            cursor.problems.error_hint(place, "the key has more than 16 columns", "use fewer columns");
        }
        cursor.expect_token(&Token::RParen)
    }

    fn read_clauses(&mut self, cursor: &mut Cursor<'_, '_>, name: &str, place: Place) -> Read<()> {
        let mut time = TimeClauses::default();
        let at = self.columns.len() - 1;
        loop {
            let clause_place = cursor.place();
            if cursor.take_all(&["NOT", "NULL"]) {
                self.columns[at].column.nullable = false;
            } else if cursor.take("NULL") {
                self.columns[at].says_null = Some(clause_place);
            } else if cursor.take_all(&["PRIMARY", "KEY"]) {
                if !self.key.is_empty() {
                    cursor.problems.error_hint(
                        clause_place,
                        "PRIMARY KEY is declared twice",
                        "for a key of several columns write PRIMARY KEY (a, b) at the end of the list",
                    );
                }
                self.key.push((name.to_owned(), place));
            } else if cursor.take("PATH") {
                self.read_path(cursor, at)?;
            } else if cursor.take("FORMAT") {
                time.format = Some(cursor.string("a strftime pattern")?);
            } else if cursor.take("ZONE") {
                time.zone = Some(cursor.string("a time zone")?);
            } else if cursor.take("UNIT") {
                time.unit = Some(cursor.string("a unit")?);
            } else {
                break;
            }
        }
        self.refuse_clause(cursor)?;
        let column = &mut self.columns[at].column;
        column.time = time.settle(cursor, column);
        Ok(())
    }

    fn refuse_clause(&self, cursor: &mut Cursor<'_, '_>) -> Read<()> {
        if cursor.word_at(0, "DEFAULT") {
            return cursor.fail(
                "DEFAULT is not supported",
                "missing fields are NULL; write coalesce(column, value) in the view",
            );
        }
        for refused in ["UNIQUE", "CHECK", "REFERENCES", "GENERATED", "COLLATE", "CONSTRAINT"] {
            if cursor.word_at(0, refused) {
                let message = format!("{refused} is not supported");
                return cursor.fail(message, "only PRIMARY KEY and NOT NULL are checked when events arrive");
            }
        }
        if cursor.word_at(0, "FROM") {
            return cursor.fail("FROM names no JSON path", "write PATH '$.a.b'");
        }
        Ok(())
    }

    fn read_path(&mut self, cursor: &mut Cursor<'_, '_>, at: usize) -> Read<()> {
        let (text, place) = cursor.string("a JSON path")?;
        match values::json_path(&text) {
            Ok(path) => self.columns[at].column.path = Some(path),
            Err(why) => {
                let message = format!("'{text}' is no JSON path: {why}");
                cursor.problems.error_hint(place, message, "write for example PATH '$.venue.lat' or PATH '$.tags[0]'");
            }
        }
        self.columns[at].path_place = Some(place);
        Ok(())
    }
}

/// `FORMAT`, `ZONE`, `UNIT` of one column, as written.
#[derive(Default)]
struct TimeClauses {
    format: Option<(String, Place)>,
    zone: Option<(String, Place)>,
    unit: Option<(String, Place)>,
}

impl TimeClauses {
    fn settle(self, cursor: &mut Cursor<'_, '_>, column: &Column) -> Option<TimeEncoding> {
        let any = self.format.as_ref().or(self.zone.as_ref()).or(self.unit.as_ref()).map(|(_, place)| *place)?;
        let zoned = match &column.data_type {
            DataType::Timestamp(_, zone) => zone.is_some(),
            DataType::Date32 => false,
            DataType::Null => return None,
            _ => {
                let message = format!("column \"{}\" holds no time, so FORMAT, ZONE and UNIT say nothing", column.name);
                cursor.problems.error_hint(
                    any,
                    message,
                    "declare it TIMESTAMPTZ, TIMESTAMP or DATE, or leave them out",
                );
                return None;
            }
        };
        if let Some((unit, place)) = &self.unit {
            if self.format.is_some() || self.zone.is_some() {
                cursor.problems.error_hint(
                    *place,
                    "UNIT excludes FORMAT and ZONE",
                    "numbers since the epoch have neither",
                );
                return None;
            }
            if column.data_type == DataType::Date32 {
                cursor.problems.error_hint(*place, "a DATE has no UNIT", "declare the column TIMESTAMPTZ");
                return None;
            }
            return epoch(cursor, unit, *place);
        }
        let Some((pattern, place)) = self.format else {
            cursor.problems.error_hint(any, "ZONE needs a FORMAT", "write FORMAT '%Y-%m-%d %H:%M:%S' ZONE 'Area/City'");
            return None;
        };
        pattern_encoding(cursor, zoned, pattern, place, self.zone)
    }
}

fn epoch(cursor: &mut Cursor<'_, '_>, unit: &str, place: Place) -> Option<TimeEncoding> {
    match unit {
        "s" => Some(TimeEncoding::EpochSeconds),
        "ms" => Some(TimeEncoding::EpochMillis),
        "us" => Some(TimeEncoding::EpochMicros),
        "ns" => Some(TimeEncoding::EpochNanos),
        _ => {
            cursor.problems.error_hint(place, format!("no unit '{unit}'"), "write UNIT 's', 'ms', 'us' or 'ns'");
            None
        }
    }
}

fn pattern_encoding(
    cursor: &mut Cursor<'_, '_>,
    zoned: bool,
    pattern: String,
    place: Place,
    zone: Option<(String, Place)>,
) -> Option<TimeEncoding> {
    let has_offset = match values::pattern_has_offset(&pattern) {
        Ok(has_offset) => has_offset,
        Err(why) => {
            let message = format!("FORMAT '{pattern}' cannot be used: {why}");
            cursor.problems.error_hint(place, message, "write for example FORMAT '%Y-%m-%d %H:%M:%S'");
            return None;
        }
    };
    if !zoned && let Some((_, zone_place)) = zone {
        let hint = "leave out ZONE, or declare the column TIMESTAMPTZ";
        cursor.problems.error_hint(zone_place, "TIMESTAMP and DATE hold local time, so a ZONE says nothing", hint);
        return None;
    }
    if zoned && !has_offset && zone.is_none() {
        let hint = format!("write FORMAT '{pattern}' ZONE 'Area/City', or put %z into the pattern");
        let message = "the pattern has no offset, so a TIMESTAMPTZ needs the ZONE the text is in";
        cursor.problems.error_hint(place, message, hint);
        return None;
    }
    let zone = match zone {
        Some((name, zone_place)) => match values::zone(&name) {
            Ok(zone) => Some(zone),
            Err(hint) => {
                cursor.problems.error_hint(zone_place, format!("no time zone '{name}'"), hint);
                return None;
            }
        },
        None => None,
    };
    Some(TimeEncoding::Pattern { pattern, zone })
}

fn check_name(cursor: &mut Cursor<'_, '_>, name: &str, place: Place) {
    if name.starts_with('_') {
        cursor.problems.error_hint(
            place,
            format!("column \"{name}\" begins with _, which is kept for system columns"),
            format!("rename it; in JSON write: {} TEXT PATH '$.{name}'", name.trim_start_matches('_')),
        );
    }
}

fn is_type_word(word: &str) -> bool {
    ["TEXT", "BOOLEAN", "INT", "BIGINT", "DOUBLE", "JSON"].iter().any(|t| t.eq_ignore_ascii_case(word))
}

/// Whether values of this type have one natural order in which a later version is greater.
pub(super) fn is_orderable(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Decimal128(..)
                | DataType::Date32
                | DataType::Utf8
                | DataType::Timestamp(TimeUnit::Microsecond | TimeUnit::Nanosecond, _)
        )
}

/// Whether values of this type can identify a row: equality is plain and cheap.
pub(super) fn is_key(data_type: &DataType) -> bool {
    is_orderable(data_type) || matches!(data_type, DataType::Boolean | DataType::Binary)
}
