//! Counts of seconds, milliseconds, microseconds or nanoseconds since the epoch, exactly, without floats.

use crate::decimal::{Decimal, Misfit, Rounding};

/// A count of `10^-digits` seconds for a column that counts `10^-column_digits` seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Epoch {
    /// Powers of ten from the declared unit to the column's; negative when the column is coarser.
    shift: i32,
}

impl Epoch {
    pub(super) fn new(digits: i32, column_digits: i32) -> Self {
        Self { shift: column_digits - digits }
    }

    /// A whole count; `None` when it overflows the column.
    pub(super) fn whole(self, count: i64) -> Option<i64> {
        let factor = 10_i64.pow(self.shift.unsigned_abs());
        if self.shift >= 0 { count.checked_mul(factor) } else { Some(count.div_euclid(factor)) }
    }

    /// A count as decimal text; the error says whether it is no number or too large.
    pub(super) fn text(self, text: &[u8]) -> Result<i64, Misfit> {
        let decimal = Decimal::parse(text).ok_or(Misfit::NoNumber)?;
        i64::try_from(decimal.scaled(self.shift, Rounding::Floor)?).map_err(|_| Misfit::OutOfRange)
    }
}
