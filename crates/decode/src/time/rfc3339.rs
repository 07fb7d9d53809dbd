//! RFC 3339 §5.6 `date-time` by hand: `T`, `t` or a space between date and time, any fraction, `Z` or an offset.
//! The offset may be missing (the caller decides what that means) or short (`+00`, `+0000`, as databases print it).

use super::Moment;
use super::civil::{Civil, digits, fraction};

/// A moment on the text's own clock and that clock's offset from UTC in seconds, when the text has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) local: Moment,
    pub(super) offset: Option<i32>,
}

/// Reads the whole text; `None` when it is no such date and time.
pub(super) fn parse(text: &[u8]) -> Option<Stamp> {
    let head = text.first_chunk::<19>()?;
    let separators = [head[4], head[7], head[13], head[16]] == *b"--::";
    if !separators || !matches!(head[10], b'T' | b't' | b' ') {
        return None;
    }
    let mut civil = Civil {
        year: digits::<4>(head)?,
        month: digits::<2>(&head[5..])?,
        day: digits::<2>(&head[8..])?,
        hour: digits::<2>(&head[11..])?,
        minute: digits::<2>(&head[14..])?,
        second: digits::<2>(&head[17..])?,
        nanos: 0,
    };
    let mut rest = &text[19..];
    if let Some((b'.', after)) = rest.split_first() {
        let (nanos, length) = fraction(after)?;
        civil.nanos = nanos;
        rest = &after[length..];
    }
    Some(Stamp { local: civil.moment()?, offset: offset(rest)? })
}

/// The text after the seconds: nothing, `Z`, `±HH`, `±HHMM` or `±HH:MM`.
fn offset(text: &[u8]) -> Option<Option<i32>> {
    let (sign, rest) = match text.split_first() {
        None => return Some(None),
        Some((b'Z' | b'z', [])) => return Some(Some(0)),
        Some((b'+', rest)) => (1, rest),
        Some((b'-', rest)) => (-1, rest),
        Some(_) => return None,
    };
    let hours = digits::<2>(rest)?;
    let minutes = match &rest[2..] {
        [] => 0,
        [b':', tail @ ..] | tail if tail.len() == 2 => digits::<2>(tail)?,
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    Some(Some(sign * (hours * 3600 + minutes * 60).cast_signed()))
}
