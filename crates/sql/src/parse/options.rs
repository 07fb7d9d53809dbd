//! `WITH (name = value, …)`: options are taken one by one by whoever knows them; what is left over is reported.

use datafusion::sql::sqlparser::tokenizer::Token;

use super::cursor::{Cursor, Read};
use super::values;
use crate::source::Place;
use crate::suggest;

enum Value {
    Text(String),
    Number(String),
    Boolean(bool),
}

struct Written {
    name: String,
    place: Place,
    value: Value,
    value_place: Place,
}

/// The options of one statement.
#[derive(Default)]
pub(super) struct Options {
    written: Vec<Written>,
    /// Names asked for so far: what the statement knows.
    known: Vec<&'static str>,
}

impl Options {
    /// Reads `WITH (…)` if it is next.
    pub(super) fn read(cursor: &mut Cursor<'_, '_>) -> Read<Self> {
        if cursor.take("WITH") { Self::read_list(cursor) } else { Ok(Self::default()) }
    }

    /// Reads `(…)`.
    pub(super) fn read_list(cursor: &mut Cursor<'_, '_>) -> Read<Self> {
        let mut options = Self::default();
        cursor.expect_token(&Token::LParen)?;
        loop {
            if options.read_one(cursor).is_err() {
                cursor.skip_item();
            }
            if !cursor.take_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
        Ok(options)
    }

    fn read_one(&mut self, cursor: &mut Cursor<'_, '_>) -> Read<()> {
        let (name, place) = cursor.identifier("an option")?;
        cursor.expect_token(&Token::Eq)?;
        let value_place = cursor.place();
        let value = match cursor.peek() {
            Some(Token::Number(number, _)) => Value::Number(number.clone()),
            Some(Token::Word(word)) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("true") => {
                Value::Boolean(true)
            }
            Some(Token::Word(word)) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case("false") => {
                Value::Boolean(false)
            }
            Some(Token::Word(word)) => {
                let message = format!("the value of {name} is not quoted");
                return cursor.fail(message, format!("write {name} = '{}'", word.value));
            }
            _ => Value::Text(cursor.string("a value")?.0),
        };
        if !matches!(value, Value::Text(_)) {
            cursor.advance();
        }
        if self.written.iter().any(|w| w.name == name) {
            cursor.problems.error_hint(place, format!("option {name} is given twice"), "keep one of them");
        } else {
            self.written.push(Written { name, place, value, value_place });
        }
        Ok(())
    }

    fn take(&mut self, name: &'static str) -> Option<Written> {
        self.known.push(name);
        let at = self.written.iter().position(|w| w.name == name)?;
        Some(self.written.swap_remove(at))
    }

    /// The place of an option that is given, to be taken yet.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        self.written.iter().find(|written| written.name == name).map(|written| written.place)
    }

    /// Passes over an option, if it is given, and says where.
    pub(super) fn drop_written(&mut self, name: &str) -> Option<Place> {
        let at = self.written.iter().position(|written| written.name == name)?;
        Some(self.written.swap_remove(at).place)
    }

    /// A text option with the place of its value.
    pub(super) fn text(&mut self, cursor: &mut Cursor<'_, '_>, name: &'static str) -> Option<(String, Place)> {
        let written = self.take(name)?;
        match written.value {
            Value::Text(text) => Some((text, written.value_place)),
            Value::Number(number) => {
                wrong(cursor, &written.value_place, name, "a text", &format!("write {name} = '{number}'"));
                None
            }
            Value::Boolean(_) => {
                wrong(cursor, &written.value_place, name, "a text", "put the value in single quotes");
                None
            }
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, cursor: &mut Cursor<'_, '_>, name: &'static str) -> Option<(u64, Place)> {
        let written = self.take(name)?;
        let number = match &written.value {
            Value::Number(text) | Value::Text(text) => text.parse().ok(),
            Value::Boolean(_) => None,
        };
        if number.is_none() {
            wrong(cursor, &written.value_place, name, "a whole number", &format!("write {name} = 4"));
        }
        number.map(|number| (number, written.value_place))
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, cursor: &mut Cursor<'_, '_>, name: &'static str) -> Option<(bool, Place)> {
        let written = self.take(name)?;
        let value = match &written.value {
            Value::Boolean(value) => Some(*value),
            Value::Text(text) => text.to_lowercase().parse().ok(),
            Value::Number(_) => None,
        };
        if value.is_none() {
            wrong(cursor, &written.value_place, name, "true or false", &format!("write {name} = true"));
        }
        value.map(|value| (value, written.value_place))
    }

    /// A duration, in microseconds.
    pub(super) fn duration(&mut self, cursor: &mut Cursor<'_, '_>, name: &'static str) -> Option<i64> {
        let (text, place) = self.text(cursor, name)?;
        values::duration_micros(&text)
            .map_err(|why| {
                cursor.problems.error_hint(
                    place,
                    format!("{name} '{text}' is no duration: {why}"),
                    format!("write for example {name} = '7 days' (us, ms, s, minutes, hours, days, weeks)"),
                );
            })
            .ok()
    }

    /// A size in bytes: `'10 GB'` or a number.
    pub(super) fn bytes(&mut self, cursor: &mut Cursor<'_, '_>, name: &'static str) -> Option<(u64, Place)> {
        let written = self.take(name)?;
        let (Value::Text(text) | Value::Number(text)) = &written.value else {
            wrong(cursor, &written.value_place, name, "a size", &format!("write {name} = '10 GB'"));
            return None;
        };
        match values::byte_size(text) {
            Ok(size) => Some((size, written.value_place)),
            Err(why) => {
                cursor.problems.error_hint(
                    written.value_place,
                    format!("{name} '{text}' is no size: {why}"),
                    format!("write for example {name} = '10 GB' (kB, MB, GB, TB, KiB, MiB, GiB, TiB)"),
                );
                None
            }
        }
    }

    /// Reports every option nobody asked for.
    pub(super) fn finish(self, cursor: &mut Cursor<'_, '_>, what: &str) {
        for written in &self.written {
            let message = format!("{what} has no option \"{}\"", written.name);
            cursor.problems.error_hint(written.place, message, suggest::hint(&written.name, &self.known));
        }
    }
}

fn wrong(cursor: &mut Cursor<'_, '_>, place: &Place, name: &str, wanted: &str, hint: &str) {
    cursor.problems.error_hint(*place, format!("{name} takes {wanted}"), hint);
}
