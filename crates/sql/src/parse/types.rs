//! Column types: from SQL names to Arrow types.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, TimeUnit};
use datafusion::sql::sqlparser::tokenizer::Token;
use highwater_model::{micros_utc, nanos_utc};

use super::cursor::{Cursor, Read};
use crate::suggest;

/// Names that begin a type, for hints.
const TYPES: &[&str] = &[
    "TEXT",
    "VARCHAR",
    "BOOLEAN",
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "REAL",
    "DOUBLE",
    "DECIMAL",
    "NUMERIC",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "BYTEA",
    "JSON",
    "STRUCT",
    "LIST",
    "ARRAY",
    "MAP",
    "INTEGER",
];

/// Deepest nesting of STRUCT, LIST and MAP.
const DEEPEST: usize = 16;

/// Most decimal digits of a DECIMAL.
const MOST_DIGITS: u64 = 38;

/// Reads a type.
pub(super) fn read_type(cursor: &mut Cursor<'_, '_>) -> Read<DataType> {
    TypeReader { open: 0, closes: 0 }.read(cursor)
}

/// Reads nested types; the tokenizer runs `>>` together, so closing brackets are counted.
struct TypeReader {
    /// How many nested types are open.
    open: usize,
    /// `>` already read that close outer types.
    closes: usize,
}

impl TypeReader {
    fn read(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<DataType> {
        if self.open > DEEPEST {
            return cursor.fail(
                format!("the type nests deeper than {DEEPEST}"),
                "keep the inner part as JSON and read it with functions",
            );
        }
        let mut data_type = self.read_base(cursor)?;
        while self.closes == 0 && cursor.take_token(&Token::LBracket) {
            cursor.expect_token(&Token::RBracket)?;
            data_type = list_of(data_type);
        }
        Ok(data_type)
    }

    fn read_base(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<DataType> {
        let Some(Token::Word(word)) = cursor.peek() else {
            return cursor.expected("a type");
        };
        let name = word.value.to_uppercase();
        match name.as_str() {
            "STRUCT" => self.read_struct(cursor),
            "LIST" | "ARRAY" => {
                cursor.advance();
                self.open(cursor)?;
                let item = self.read(cursor)?;
                self.close(cursor)?;
                Ok(list_of(item))
            }
            "MAP" => self.read_map(cursor),
            _ => scalar(cursor, &name),
        }
    }

    fn read_struct(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<DataType> {
        cursor.advance();
        self.open(cursor)?;
        let mut fields: Vec<Field> = Vec::new();
        loop {
            let (name, place) = cursor.identifier("a field name")?;
            if fields.iter().any(|f| *f.name() == name) {
                cursor.problems.error_hint(place, format!("field \"{name}\" is there twice"), "rename one of them");
            }
            cursor.take_token(&Token::Colon);
            fields.push(Field::new(name, self.read(cursor)?, true));
            if self.closes > 0 || !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        self.close(cursor)?;
        Ok(DataType::Struct(fields.into()))
    }

    fn read_map(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<DataType> {
        cursor.advance();
        self.open(cursor)?;
        let place = cursor.place();
        let key = self.read(cursor)?;
        if key != DataType::Utf8 {
            cursor.problems.error_hint(place, "the keys of a MAP are TEXT", "write MAP<TEXT, …>");
        }
        cursor.expect_token(&Token::Comma)?;
        let value = self.read(cursor)?;
        self.close(cursor)?;
        let entry = vec![Field::new("key", DataType::Utf8, false), Field::new("value", value, true)];
        Ok(DataType::Map(Arc::new(Field::new("entries", DataType::Struct(entry.into()), false)), false))
    }

    fn open(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<()> {
        cursor.expect_token(&Token::Lt)?;
        self.open += 1;
        Ok(())
    }

    fn close(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<()> {
        if self.closes > 0 {
            self.closes -= 1;
        } else {
            let closes = match cursor.peek() {
                Some(Token::Gt) => 1,
                Some(Token::ShiftRight) => 2,
                Some(Token::CustomBinaryOperator(text)) if text.bytes().all(|b| b == b'>') => text.len(),
                _ => return cursor.expected(">"),
            };
            if closes > self.open {
                return cursor.expected(&">".repeat(self.open));
            }
            cursor.advance();
            self.closes = closes - 1;
        }
        self.open -= 1;
        Ok(())
    }
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(item, true)))
}

fn scalar(cursor: &mut Cursor<'_, '_>, name: &str) -> Read<DataType> {
    let place = cursor.place();
    let data_type = match name {
        "TEXT" | "STRING" | "JSON" | "JSONB" | "UUID" => DataType::Utf8,
        "VARCHAR" | "CHAR" | "CHARACTER" => return text_with_length(cursor, name),
        "BOOLEAN" | "BOOL" => DataType::Boolean,
        "TINYINT" | "SMALLINT" | "INT2" | "INT" | "INTEGER" | "INT4" | "BIGINT" | "INT8" => {
            return Ok(integer(cursor, name));
        }
        "REAL" | "FLOAT4" => DataType::Float32,
        "FLOAT" | "FLOAT8" => DataType::Float64,
        "DOUBLE" => {
            cursor.advance();
            cursor.take("PRECISION");
            return Ok(DataType::Float64);
        }
        "DATE" => DataType::Date32,
        "TIMESTAMP" | "TIMESTAMPTZ" => return timestamp(cursor, name == "TIMESTAMPTZ"),
        "DECIMAL" | "NUMERIC" | "DEC" => return decimal(cursor, name),
        "BYTEA" | "BLOB" | "BINARY" | "VARBINARY" => DataType::Binary,
        "TIME" | "TIMETZ" | "INTERVAL" => {
            return cursor
                .fail(format!("type {name} cannot be a column's"), "use TEXT, or BIGINT for a number of seconds");
        }
        "SERIAL" | "BIGSERIAL" => return cursor.fail(format!("type {name} is not supported"), "use BIGINT"),
        _ => {
            let found = cursor.found();
            cursor.problems.error_hint(place, format!("unknown type {found}"), suggest::hint(name, TYPES));
            return Err(super::cursor::Reported);
        }
    };
    cursor.advance();
    Ok(data_type)
}

fn text_with_length(cursor: &mut Cursor<'_, '_>, name: &str) -> Read<DataType> {
    cursor.advance();
    cursor.take("VARYING");
    if cursor.peek() == Some(&Token::LParen) {
        return cursor.fail(format!("the length of {name} is not checked"), "write TEXT");
    }
    Ok(DataType::Utf8)
}

fn integer(cursor: &mut Cursor<'_, '_>, name: &str) -> DataType {
    cursor.advance();
    let unsigned = cursor.take("UNSIGNED");
    match (name, unsigned) {
        ("TINYINT", false) => DataType::Int8,
        ("TINYINT", true) => DataType::UInt8,
        ("SMALLINT" | "INT2", false) => DataType::Int16,
        ("SMALLINT" | "INT2", true) => DataType::UInt16,
        ("BIGINT" | "INT8", false) => DataType::Int64,
        ("BIGINT" | "INT8", true) => DataType::UInt64,
        (_, false) => DataType::Int32,
        (_, true) => DataType::UInt32,
    }
}

/// `TIMESTAMP[TZ] [(p)] [WITH | WITHOUT TIME ZONE]`: microseconds, or nanoseconds for precision 9.
fn timestamp(cursor: &mut Cursor<'_, '_>, mut zoned: bool) -> Read<DataType> {
    cursor.advance();
    let mut nanos = false;
    if cursor.take_token(&Token::LParen) {
        let place = cursor.place();
        let precision = whole_number(cursor)?;
        nanos = precision == 9;
        if precision > 6 && !nanos {
            cursor.problems.error_hint(
                place,
                format!("no timestamp has {precision} digits of a second"),
                "leave it out for microseconds, or write 9 for nanoseconds",
            );
        }
        cursor.expect_token(&Token::RParen)?;
    }
    if cursor.take_all(&["WITH", "TIME", "ZONE"]) {
        zoned = true;
    } else {
        cursor.take_all(&["WITHOUT", "TIME", "ZONE"]);
    }
    Ok(match (zoned, nanos) {
        (true, false) => micros_utc(),
        (true, true) => nanos_utc(),
        (false, false) => DataType::Timestamp(TimeUnit::Microsecond, None),
        (false, true) => DataType::Timestamp(TimeUnit::Nanosecond, None),
    })
}

fn decimal(cursor: &mut Cursor<'_, '_>, name: &str) -> Read<DataType> {
    let place = cursor.place();
    cursor.advance();
    if !cursor.take_token(&Token::LParen) {
        cursor.problems.error_hint(
            place,
            format!("{name} needs its number of digits"),
            format!("write {name}(18, 2) for 18 digits, 2 of them after the point"),
        );
        return Err(super::cursor::Reported);
    }
    let precision = whole_number(cursor)?;
    let scale = if cursor.take_token(&Token::Comma) { whole_number(cursor)? } else { 0 };
    cursor.expect_token(&Token::RParen)?;
    match (u8::try_from(precision), i8::try_from(scale)) {
        (Ok(digits), Ok(after)) if (1..=MOST_DIGITS).contains(&precision) && scale <= precision => {
            Ok(DataType::Decimal128(digits, after))
        }
        _ => {
            let message = format!("{name}({precision}, {scale}) is out of range");
            let hint = format!("1 to {MOST_DIGITS} digits, at most all of them after the point");
            cursor.problems.error_hint(place, message, hint);
            Err(super::cursor::Reported)
        }
    }
}

fn whole_number(cursor: &mut Cursor<'_, '_>) -> Read<u64> {
    if let Some(Token::Number(text, _)) = cursor.peek()
        && let Ok(number) = text.parse()
    {
        cursor.advance();
        return Ok(number);
    }
    cursor.expected("a whole number")
}
