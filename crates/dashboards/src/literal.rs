//! Parameter values as SQL literals. What a reader of a page chooses can be a value only, never SQL.

use crate::dashboard::{Parameter, ParameterKind};

/// Days a relative range covers at most.
const MOST_DAYS: u32 = 36_500;

/// The literals that a value stands for, by variable name; an error says what would fit.
pub(crate) fn literals(parameter: &Parameter, value: &str) -> Result<Vec<(String, String)>, String> {
    let name = parameter.name.clone();
    let value = value.trim();
    let one = |literal: String| Ok(vec![(name.clone(), literal)]);
    match parameter.kind {
        ParameterKind::Text => one(quoted(value)),
        ParameterKind::Choice if value.is_empty() => one("CAST(NULL AS TEXT)".to_owned()),
        ParameterKind::Choice => one(quoted(value)),
        ParameterKind::Number if value.is_empty() => one("CAST(NULL AS BIGINT)".to_owned()),
        ParameterKind::Number => one(number(value)?),
        ParameterKind::Date if value.is_empty() => one("CAST(NULL AS DATE)".to_owned()),
        ParameterKind::Date => one(date(value)?),
        ParameterKind::Range => {
            let (from, to) = range(value)?;
            Ok(vec![(format!("{name}_from"), from), (format!("{name}_to"), to)])
        }
    }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''").replace('\0', ""))
}

fn number(value: &str) -> Result<String, String> {
    let digits = value.strip_prefix('-').unwrap_or(value);
    let plain = !digits.is_empty()
        && digits.len() <= 30
        && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
        && digits.matches('.').count() <= 1
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit());
    match plain {
        // The space keeps a minus before it from making a comment.
        true => Ok(if value.starts_with('-') { format!("({value})") } else { value.to_owned() }),
        false => Err(format!("\"{value}\" is not a number such as 12 or 1.5")),
    }
}

fn date(value: &str) -> Result<String, String> {
    let wrong = || format!("\"{value}\" is not a day such as 2026-03-31");
    let parts: Vec<&str> = value.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return Err(wrong()) };
    let digits = |part: &str, length: usize| part.len() == length && part.chars().all(|c| c.is_ascii_digit());
    if !(digits(year, 4) && digits(month, 2) && digits(day, 2)) {
        return Err(wrong());
    }
    let (year, month, day): (u32, u32, u32) = match (year.parse(), month.parse(), day.parse()) {
        (Ok(year), Ok(month), Ok(day)) => (year, month, day),
        _ => return Err(wrong()),
    };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    if (1..=last).contains(&day) { Ok(format!("DATE '{value}'")) } else { Err(wrong()) }
}

/// `2026-01-01..2026-01-31`, `7d` (the last seven days, today among them), or nothing: all days.
fn range(value: &str) -> Result<(String, String), String> {
    if value.is_empty() {
        return Ok(("DATE '0001-01-01'".to_owned(), "DATE '9999-12-31'".to_owned()));
    }
    if let Some(days) = value.strip_suffix('d').and_then(|days| days.parse::<u32>().ok()) {
        if (1..=MOST_DAYS).contains(&days) {
            let from = format!("CAST(now() - INTERVAL '{} days' AS DATE)", days - 1);
            return Ok((from, "CAST(now() AS DATE)".to_owned()));
        }
    } else if let Some((from, to)) = value.split_once("..") {
        let (from, to) = (date(from)?, date(to)?);
        return if from <= to { Ok((from, to)) } else { Err("the range ends before it begins".to_owned()) };
    }
    Err(format!("\"{value}\" is no range of days: write 2026-03-01..2026-03-31, or 7d for the last seven"))
}
