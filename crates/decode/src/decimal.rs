//! Decimal numbers as text, converted to integers of any scale exactly: for integers, decimals and epoch times.

/// The parts of `[+-] digits [. digits] [e [+-] digits]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decimal<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// What to do with digits below the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// Refuse them unless they are 0.
    Exact,
    /// Drop them towards minus infinity.
    Floor,
}

/// Why a text is no value of the column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Misfit {
    NoNumber,
    NotExact,
    OutOfRange,
}

impl<'a> Decimal<'a> {
    /// Reads the whole text, without blanks around it.
    pub(crate) fn parse(text: &'a [u8]) -> Option<Self> {
        let (negative, rest) = match text.split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, text),
        };
        let (whole, rest) = digits(rest);
        let (fraction, rest) = match rest.split_first() {
            Some((b'.', rest)) => digits(rest),
            _ => (&rest[..0], rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        Some(Self { negative, whole, fraction, exponent: exponent(rest)? })
    }

    /// The value times `10^scale` as an integer.
    pub(crate) fn scaled(&self, scale: i32, rounding: Rounding) -> Result<i128, Misfit> {
        let count = self.whole.len() + self.fraction.len();
        // How many of the digits stand before the point once scaled.
        let kept = (self.whole.len() as i64).saturating_add(self.exponent).saturating_add(i64::from(scale));
        let mut value = 0_i128;
        let mut exact = true;
        for (place, digit) in (0_i64..).zip(self.whole.iter().chain(self.fraction)) {
            let digit = i128::from(digit - b'0');
            if place < kept {
                value = value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or(Misfit::OutOfRange)?;
            } else {
                exact &= digit == 0;
            }
        }
        for _ in (count as i64)..kept {
            if value == 0 {
                break;
            }
            value = value.checked_mul(10).ok_or(Misfit::OutOfRange)?;
        }
        match (exact, rounding) {
            (false, Rounding::Exact) => Err(Misfit::NotExact),
            (false, Rounding::Floor) if self.negative => Ok(-value - 1),
            _ => Ok(if self.negative { -value } else { value }),
        }
    }
}

fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len()))
}

/// `e`, a sign, digits; or nothing. Saturates: a trillion digits more or less make no difference.
fn exponent(text: &[u8]) -> Option<i64> {
    let rest = match text.split_first() {
        None => return Some(0),
        Some((b'e' | b'E', rest)) => rest,
        Some(_) => return None,
    };
    let (sign, rest) = match rest.split_first()? {
        (b'-', rest) => (-1, rest),
        (b'+', rest) => (1, rest),
        _ => (1, rest),
    };
    let (number, rest) = digits(rest);
    if number.is_empty() || !rest.is_empty() {
        return None;
    }
    let value = number.iter().fold(0_i64, |value, digit| (value * 10 + i64::from(digit - b'0')).min(1_000_000_000_000));
    Some(sign * value)
}
