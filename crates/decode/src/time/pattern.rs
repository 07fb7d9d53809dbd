//! `strftime` patterns: compiled to fixed steps where the pattern allows, with chrono as the judge of everything else.
//!
//! A text the steps read means the same to chrono (property-tested); what they do not read goes to chrono, so the fast
//! path never decides that a text is wrong. Missing time fields are 0; a pattern must name a date.

use chrono::format::{Fixed, Item, Numeric, ParseResult, Parsed, StrftimeItems, parse};
use chrono::{DateTime, FixedOffset};

use super::Moment;
use super::civil::{Civil, digits, fraction};

/// What a text says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A wall clock somewhere.
    Local(Moment),
    /// A moment in UTC: the text held an offset or seconds since the epoch.
    Instant(Moment),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Byte(u8),
    Literal(Vec<u8>),
    Year,
    Month,
    Day,
    Hour,
    HourOfTwelve,
    Minute,
    Second,
    Fraction,
    Noon,
}

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    items: Vec<Item<'static>>,
    steps: Option<Steps>,
}

/// What a pattern asks for, item by item, when the hand can read all of it.
#[derive(Debug)]
struct Steps {
    steps: Vec<Step>,
    /// Whether hours are written as 1 to 12 with AM or PM.
    twelve: bool,
}

impl Pattern {
    /// Compiles a pattern; the error says what to write instead.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        // Elsewhere `%f` is a fraction of a second; chrono reads it as a count of nanoseconds, so ".5" would be 5 ns.
        let meant = pattern.replace(".%f", "%.f");
        if meant.replace("%%", "").contains("%f") {
            return Err(format!("pattern '{pattern}' holds %f without a point before it; write %.f for fractions"));
        }
        let items = StrftimeItems::new(&meant)
            .parse_to_owned()
            .map_err(|_| format!("'{pattern}' is no strftime pattern; see the specifiers such as %Y-%m-%d %H:%M:%S"))?;
        let steps = Steps::new(&items);
        let compiled = Self { text: pattern.to_owned(), items, steps };
        compiled.check()?;
        Ok(compiled)
    }

    /// The pattern as declared.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether texts of this pattern say which moment they mean without a zone.
    pub(super) fn is_absolute(&self) -> bool {
        matches!(self.sample(), Ok(Reading::Instant(_)))
    }

    /// Reads a text, whole; the error is the reason.
    pub(super) fn read(&self, text: &str) -> Result<Reading, String> {
        match self.steps.as_ref().and_then(|steps| steps.run(text.as_bytes())) {
            Some(moment) => Ok(Reading::Local(moment)),
            None => self.read_any(text),
        }
    }

    /// What chrono says, with missing time fields as 0.
    pub(super) fn read_any(&self, text: &str) -> Result<Reading, String> {
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).map_err(|error| error.to_string())?;
        if parsed.timestamp().is_none() {
            default_time(&mut parsed).map_err(|error| error.to_string())?;
        }
        let absolute = parsed.offset().is_some() || parsed.timestamp().is_some();
        let offset = parsed.offset().unwrap_or(0);
        let local = parsed.to_naive_datetime_with_offset(offset).map_err(|error| error.to_string())?;
        let local = local.and_utc();
        let nanos = local.timestamp_subsec_nanos();
        if nanos >= 1_000_000_000 {
            return Err("a leap second cannot be stored".to_owned());
        }
        if absolute {
            Ok(Reading::Instant(Moment { seconds: local.timestamp() - i64::from(offset), nanos }))
        } else {
            Ok(Reading::Local(Moment { seconds: local.timestamp(), nanos }))
        }
    }

    /// A pattern must say enough to name a moment: it is tried on what it prints itself.
    fn check(&self) -> Result<(), String> {
        self.sample().map(|_| ()).map_err(|reason| {
            format!(
                "pattern '{}' does not name a date and time ({reason}); it needs at least a year, month and day",
                self.text
            )
        })
    }

    fn sample(&self) -> Result<Reading, String> {
        use std::fmt::Write;
        let moment: DateTime<FixedOffset> = DateTime::from_timestamp(1_454_472_306, 0).unwrap_or_default().into();
        let mut text = String::new();
        write!(text, "{}", moment.format_with_items(self.items.iter()))
            .map_err(|_| "it cannot be printed".to_owned())?;
        self.read_any(&text)
    }
}

/// Missing fields of the time of day as 0.
fn default_time(parsed: &mut Parsed) -> ParseResult<()> {
    if parsed.hour_mod_12().is_none() && parsed.hour_div_12().is_none() {
        parsed.set_hour(0)?;
    }
    if parsed.minute().is_none() {
        parsed.set_minute(0)?;
    }
    Ok(())
}

/// The step of an item; `None` when only chrono knows it.
fn step(item: &Item<'static>) -> Option<Step> {
    Some(match item {
        Item::Literal(text) | Item::Space(text) => literal(text),
        Item::OwnedLiteral(text) | Item::OwnedSpace(text) => literal(text),
        Item::Numeric(Numeric::Year, _) => Step::Year,
        Item::Numeric(Numeric::Month, _) => Step::Month,
        Item::Numeric(Numeric::Day, _) => Step::Day,
        Item::Numeric(Numeric::Hour, _) => Step::Hour,
        Item::Numeric(Numeric::Hour12, _) => Step::HourOfTwelve,
        Item::Numeric(Numeric::Minute, _) => Step::Minute,
        Item::Numeric(Numeric::Second, _) => Step::Second,
        Item::Fixed(Fixed::Nanosecond) => Step::Fraction,
        Item::Fixed(Fixed::UpperAmPm | Fixed::LowerAmPm) => Step::Noon,
        _ => return None,
    })
}

fn literal(text: &str) -> Step {
    match text.as_bytes() {
        [byte] => Step::Byte(*byte),
        bytes => Step::Literal(bytes.to_vec()),
    }
}

impl Steps {
    /// `None` when only chrono can read the pattern.
    fn new(items: &[Item<'static>]) -> Option<Self> {
        let steps: Vec<Step> = items.iter().map(step).collect::<Option<_>>()?;
        let has = |step| steps.contains(&step);
        match (has(Step::Hour), has(Step::HourOfTwelve), has(Step::Noon)) {
            (_, false, false) => Some(Self { steps, twelve: false }),
            (false, true, true) => Some(Self { steps, twelve: true }),
            _ => None,
        }
    }

    /// Reads the whole text; `None` hands it to chrono.
    fn run(&self, text: &[u8]) -> Option<Moment> {
        let mut civil = Civil::default();
        let mut afternoon = false;
        let mut rest = text;
        for step in &self.steps {
            match step {
                Step::Byte(byte) => {
                    let (first, after) = rest.split_first()?;
                    if first != byte {
                        return None;
                    }
                    rest = after;
                }
                Step::Literal(literal) => rest = rest.strip_prefix(literal.as_slice())?,
                Step::Year => (civil.year, rest) = (digits::<4>(rest)?, &rest[4..]),
                Step::Month => (civil.month, rest) = one_or_two(rest)?,
                Step::Day => (civil.day, rest) = one_or_two(rest)?,
                Step::Hour | Step::HourOfTwelve => (civil.hour, rest) = one_or_two(rest)?,
                Step::Minute => (civil.minute, rest) = one_or_two(rest)?,
                Step::Second => (civil.second, rest) = one_or_two(rest)?,
                Step::Fraction => {
                    if let Some((b'.', after)) = rest.split_first() {
                        let (nanos, length) = fraction(after)?;
                        (civil.nanos, rest) = (nanos, &after[length..]);
                    }
                }
                Step::Noon => {
                    afternoon = match rest.first_chunk::<2>()? {
                        [b'a' | b'A', b'm' | b'M'] => false,
                        [b'p' | b'P', b'm' | b'M'] => true,
                        _ => return None,
                    };
                    rest = &rest[2..];
                }
            }
        }
        if self.twelve {
            if !(1..=12).contains(&civil.hour) {
                return None;
            }
            civil.hour = civil.hour % 12 + if afternoon { 12 } else { 0 };
        }
        if rest.is_empty() { civil.moment() } else { None }
    }
}

/// One or two digits, as many as there are, and what follows.
#[inline]
fn one_or_two(text: &[u8]) -> Option<(u32, &[u8])> {
    match digits::<2>(text) {
        Some(value) => Some((value, &text[2..])),
        None => digits::<1>(text).map(|value| (value, &text[1..])),
    }
}

/// A pattern of dates, for `DATE` columns.
#[derive(Debug)]
pub(crate) struct DatePattern(Pattern);

impl DatePattern {
    /// Compiles a pattern; the error says what to write instead.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        Pattern::new(pattern).map(Self)
    }

    /// Days since 1970-01-01; the error is the reason. A time in the text is read and dropped.
    pub(crate) fn read(&self, text: &str) -> Result<i32, String> {
        let (Reading::Local(moment) | Reading::Instant(moment)) = self.0.read(text)?;
        i32::try_from(moment.seconds.div_euclid(86_400)).map_err(|_| "out of range".to_owned())
    }

    /// The pattern as declared.
    pub(crate) fn text(&self) -> &str {
        self.0.text()
    }
}

/// Reads a text by hand and by chrono under common patterns.
///
/// # Panics
/// When both read it and disagree, or only the hand does.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn compare(text: &str) {
    const PATTERNS: [&str; 8] = [
        "%Y-%m-%d %H:%M:%S",
        "%Y%m%d %H%M%S",
        "%Y%m%d%H%M%S",
        "%m/%d/%Y %I:%M:%S %p",
        "%Y-%m-%dT%H:%M:%S%.f",
        "%d.%m.%Y %H:%M",
        "%Y-%m-%d",
        "%H:%M %Y/%d/%m",
    ];
    for pattern in PATTERNS.iter().filter_map(|pattern| Pattern::new(pattern).ok()) {
        if let Some(moment) = pattern.steps.as_ref().and_then(|steps| steps.run(text.as_bytes())) {
            assert_eq!(pattern.read_any(text), Ok(Reading::Local(moment)), "{text:?} as {}", pattern.text);
        }
    }
}
