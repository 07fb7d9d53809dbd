//! `sum(DOUBLE)` and `avg(DOUBLE)`: exact, correctly rounded. Built by [`crate::AggregateSpec::build`].
//!
//! NaN, or +∞ with −∞, gives NaN; otherwise an infinity wins. An exact result of 0 reads as +0.0, also when all terms
//! are −0.0. A sum beyond the range of `f64` reads as an infinity and comes back when retractions bring it into range.

use num_bigint::BigUint;

use super::power_sums::{PowerSums, Reading, Sums};
use super::rounding::round_ratio;
use super::superaccumulator::Superaccumulator;
use crate::AggregateError;

/// Exact sums per slot.
pub(crate) type FloatSum = PowerSums<1, Total>;

impl FloatSum {
    /// An empty one, read as average or as sum.
    pub(crate) fn new(average: bool) -> Self {
        Self::of(Total { average })
    }
}

/// The sum, or the sum divided by the number of values.
pub(crate) struct Total {
    average: bool,
}

impl Reading<1> for Total {
    fn name(&self) -> &'static str {
        if self.average { "avg" } else { "sum" }
    }

    fn read(&self, sums: &Sums<1>, special: Option<f64>) -> Result<Option<f64>, AggregateError> {
        let [sum] = &sums.sums;
        Ok(Some(match special {
            Some(special) => special,
            None if self.average => average(sum, sums.values),
            None => sum.round().0,
        }))
    }
}

/// The quotient of the exact sum and a positive number, rounded once.
fn average(sum: &Superaccumulator, values: i64) -> f64 {
    let (rounded, exact) = sum.round();
    if exact && values < 1 << 53 {
        // Both operands are exact, so the division rounds correctly.
        return rounded / values as f64;
    }
    let (sum, exponent) = sum.big();
    round_ratio(&sum, &BigUint::from(values.unsigned_abs()), exponent)
}
