//! Numbers: integers and decimals exactly or not at all, floats correctly rounded.

use jiter::{Jiter, NumberInt, Peek};

use crate::decimal::{Decimal, Misfit, Rounding};
use crate::fault::{Fault, Outcome, shorten};

/// An integer column's Rust type.
pub(super) trait Integer: TryFrom<i64> + TryFrom<i128> + Copy {
    /// The range, for reasons.
    const RANGE: &'static str;
}

macro_rules! integers {
    ($($native:ty => $range:literal),* $(,)?) => { $(impl Integer for $native { const RANGE: &'static str = $range; })* };
}

integers! {
    i8 => "-128 to 127",
    i16 => "-32768 to 32767",
    i32 => "-2147483648 to 2147483647",
    i64 => "-9223372036854775808 to 9223372036854775807",
    u8 => "0 to 255",
    u16 => "0 to 65535",
    u32 => "0 to 4294967295",
    u64 => "0 to 18446744073709551615",
}

/// The integer of a JSON number.
#[inline]
pub(super) fn json_integer<T: Integer>(json: &mut Jiter, peek: Peek) -> Outcome<T> {
    if let Ok(NumberInt::Int(value)) = json.known_int(peek) {
        return T::try_from(value).or_else(|_| out_of_range(&value.to_string(), T::RANGE));
    }
    // A failed read moves nothing: the same number again, as text.
    text_integer(number_text(json, peek)?)
}

/// The integer a text holds: decimal, with an exponent or fraction only if the value is whole.
pub(super) fn text_integer<T: Integer>(text: &str) -> Outcome<T> {
    let text = text.trim_ascii();
    if let Some(value) = plain_integer(text.as_bytes()) {
        return T::try_from(value).or_else(|_| out_of_range(text, T::RANGE));
    }
    let exact = Decimal::parse(text.as_bytes()).ok_or(Misfit::NoNumber).and_then(|d| d.scaled(0, Rounding::Exact));
    match exact {
        Ok(value) => T::try_from(value).or_else(|_| out_of_range(text, T::RANGE)),
        Err(Misfit::OutOfRange) => out_of_range(text, T::RANGE),
        Err(Misfit::NotExact | Misfit::NoNumber) => Fault::expected("a whole number", text),
    }
}

/// An optional minus and 1 to 18 digits, the common case; `None` leaves the text to the exact reader.
#[inline]
fn plain_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut value = 0;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if digits.len() < text.len() { -value } else { value })
}

/// A decimal column's unscaled value of a number as text.
pub(super) fn decimal(text: &str, precision: u8, scale: i8) -> Outcome<i128> {
    let text = text.trim_ascii();
    let limit = 10_i128.checked_pow(u32::from(precision)).unwrap_or(i128::MAX);
    let exact = Decimal::parse(text.as_bytes())
        .ok_or(Misfit::NoNumber)
        .and_then(|d| d.scaled(i32::from(scale), Rounding::Exact));
    match exact {
        Ok(value) if value > -limit && value < limit => Ok(value),
        Ok(_) | Err(Misfit::OutOfRange) => {
            Fault::value(format!("{} does not fit DECIMAL({precision}, {scale})", shorten(text)))
        }
        Err(Misfit::NotExact) => {
            Fault::value(format!("{} has more digits than DECIMAL({precision}, {scale}) keeps", shorten(text)))
        }
        Err(Misfit::NoNumber) => Fault::expected("a number", text),
    }
}

/// The float of a JSON number.
#[inline]
pub(super) fn json_float(json: &mut Jiter, peek: Peek) -> Outcome<f64> {
    let value = json.known_float(peek)?;
    if value.is_finite() { Ok(value) } else { Fault::value("the number is out of the range of DOUBLE") }
}

/// The float a text holds. Not a number and the infinities are no values: they would poison sums for ever.
pub(super) fn text_float<T: std::str::FromStr + Into<f64> + Copy>(text: &str, type_name: &str) -> Outcome<T> {
    let text = text.trim_ascii();
    if Decimal::parse(text.as_bytes()).is_none() {
        return Fault::expected("a finite number", text);
    }
    match text.parse::<T>() {
        Ok(value) if value.into().is_finite() => Ok(value),
        _ => Fault::value(format!("{} is out of the range of {type_name}", shorten(text))),
    }
}

/// A JSON number as it is written.
pub(super) fn number_text<'a>(json: &'a mut Jiter, peek: Peek) -> Outcome<&'a str> {
    let bytes = json.known_number_bytes(peek)?;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text),
        Err(_) => Fault::value("the number is no text"),
    }
}

#[cold]
fn out_of_range<T>(text: &str, range: &str) -> Outcome<T> {
    Fault::value(format!("{} is out of range ({range})", shorten(text)))
}
