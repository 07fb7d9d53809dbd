//! Small languages inside option values: durations, byte sizes, JSON paths, time patterns, zones.

use std::str::FromStr;

use chrono::format::{Fixed, Item, Numeric, StrftimeItems};
use highwater_model::JsonPath;

use crate::suggest;

/// A length of time such as `7 days`, `1 day 12 hours` or `90 s`.
///
/// # Errors
/// What is wrong with the text, in a few words.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    duration_micros(text).map(|micros| std::time::Duration::from_micros(micros.unsigned_abs()))
}

/// `'7 days'`, `'1 day 12 hours'`, `'90 s'`: microseconds.
pub(super) fn duration_micros(text: &str) -> Result<i64, String> {
    const UNITS: &[(&str, i64)] = &[
        ("us", 1),
        ("microsecond", 1),
        ("ms", 1_000),
        ("millisecond", 1_000),
        ("s", 1_000_000),
        ("sec", 1_000_000),
        ("second", 1_000_000),
        ("min", 60_000_000),
        ("minute", 60_000_000),
        ("h", 3_600_000_000),
        ("hour", 3_600_000_000),
        ("d", 86_400_000_000),
        ("day", 86_400_000_000),
        ("week", 604_800_000_000),
    ];
    let mut total = 0i64;
    let mut found = false;
    for (amount, unit) in amounts(text)? {
        let singular = if unit.len() > 2 { unit.strip_suffix('s').unwrap_or(&unit) } else { unit.as_str() };
        let Some((_, micros)) = UNITS.iter().find(|(name, _)| *name == singular) else {
            return Err(format!("no unit of time \"{unit}\""));
        };
        let part = amount.parse::<i64>().ok().and_then(|n| n.checked_mul(*micros));
        total = part.and_then(|part| total.checked_add(part)).ok_or("the duration is too long")?;
        found = true;
    }
    if found && total > 0 { Ok(total) } else { Err("a duration must be longer than nothing".to_owned()) }
}

/// A size in bytes: `10 GB`, `512 MiB`, `1000000`.
///
/// # Errors
/// What is wrong with the text, in a few words.
pub fn byte_size(text: &str) -> Result<u64, String> {
    const UNITS: &[(&str, u64)] = &[
        ("", 1),
        ("b", 1),
        ("bytes", 1),
        ("kb", 1_000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("tb", 1_000_000_000_000),
        ("kib", 1 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("tib", 1 << 40),
    ];
    let parts = amounts(text)?;
    let [(amount, unit)] = parts.as_slice() else {
        return Err("not a size".to_owned());
    };
    let Some((_, bytes)) = UNITS.iter().find(|(name, _)| name == unit) else {
        return Err(format!("no unit of size \"{unit}\""));
    };
    let size = amount.parse::<u64>().ok().and_then(|n| n.checked_mul(*bytes));
    size.filter(|n| *n > 0).ok_or_else(|| "the size is out of range".to_owned())
}

/// Pairs of a whole number and the word behind it, lower case.
fn amounts(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits == 0 {
            return Err(format!("\"{text}\" does not begin with a whole number"));
        }
        let (amount, after) = rest.split_at(digits);
        let after = after.trim_start();
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, remaining) = after.split_at(letters);
        parts.push((amount.to_owned(), unit.to_lowercase()));
        rest = remaining.trim_start();
    }
    Ok(parts)
}

/// `$.a.b[0]`, `$['a b'].c`: keys and indexes from the root.
pub(super) fn json_path(text: &str) -> Result<JsonPath, String> {
    let mut rest = text.trim().strip_prefix('$').ok_or("a path begins with $, the record itself")?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, remaining) = if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, remaining) = after.split_at(end);
            (key.trim_matches('"'), remaining)
        } else if let Some(after) = rest.strip_prefix('[') {
            bracketed(after)?
        } else {
            return Err(format!("expected . or [ before \"{rest}\""));
        };
        if step.is_empty() {
            return Err("a key is empty".to_owned());
        }
        steps.push(step.to_owned());
        rest = remaining;
    }
    if steps.is_empty() { Err("the path ends at the record itself".to_owned()) } else { Ok(JsonPath(steps)) }
}

/// The step after `[`, and what follows its `]`.
fn bracketed(after: &str) -> Result<(&str, &str), String> {
    if let Some(quote) = after.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let inner = &after[1..];
        let end = inner.find(quote).ok_or("a quoted key has no end")?;
        let remaining = inner[end + 1..].strip_prefix(']').ok_or("expected ] after a quoted key")?;
        return Ok((&inner[..end], remaining));
    }
    let end = after.find(']').ok_or("[ has no ]")?;
    let index = &after[..end];
    if index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!("\"{index}\" is no index; write a number or a quoted key in brackets"));
    }
    Ok((index, &after[end + 1..]))
}

/// Checks a `strftime` pattern; tells whether it holds an offset (or seconds since the epoch), so that no zone is needed.
pub(super) fn pattern_has_offset(pattern: &str) -> Result<bool, String> {
    let mut has_offset = false;
    let mut reads = false;
    for item in StrftimeItems::new(pattern) {
        match item {
            Item::Error => return Err("it is no strftime pattern".to_owned()),
            Item::Fixed(Fixed::TimezoneName) => {
                return Err("%Z (a zone's abbreviation) cannot be read: abbreviations are ambiguous".to_owned());
            }
            Item::Numeric(Numeric::Timestamp, _)
            | Item::Fixed(
                Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetZ
                | Fixed::RFC2822
                | Fixed::RFC3339,
            ) => has_offset = true,
            // `%#z`, which reads an offset whose minutes may be missing.
            Item::Fixed(Fixed::Internal(_)) if pattern.contains("%#z") => has_offset = true,
            Item::Numeric(..) | Item::Fixed(_) => reads = true,
            _ => {}
        }
    }
    if reads || has_offset { Ok(has_offset) } else { Err("it reads no part of a time".to_owned()) }
}

/// Checks an IANA zone name; gives the name as the database spells it.
pub(super) fn zone(name: &str) -> Result<String, String> {
    match chrono_tz::Tz::from_str(name) {
        Ok(zone) => Ok(zone.name().to_owned()),
        Err(_) => Err(zone_hint(name)),
    }
}

/// What to write instead of an unknown zone.
pub(crate) fn zone_hint(name: &str) -> String {
    let names = || chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
    let near = names().find(|known| known.eq_ignore_ascii_case(name)).or_else(|| suggest::nearest(name, names()));
    match near {
        Some(near) => format!("did you mean '{near}'?"),
        None => "write an IANA name such as 'America/Los_Angeles' or 'UTC'".to_owned(),
    }
}
