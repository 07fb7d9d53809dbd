//! Variance and standard deviation from exact Σx and Σx², computed as a rational number and rounded once (the standard
//! deviation is the square root of the rounded variance), so nothing cancels and any history gives the same bits.
//! Built by [`crate::AggregateSpec::build`]. Any NaN or infinity gives NaN.

use num_bigint::BigUint;

use super::power_sums::{PowerSums, Reading, Sums};
use super::rounding::round_ratio;
use crate::AggregateError;

/// Which measure of spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spread {
    /// Sample variance; NULL for fewer than two values.
    VarSamp,
    /// Population variance.
    VarPop,
    /// Square root of the sample variance.
    StddevSamp,
    /// Square root of the population variance.
    StddevPop,
}

/// Exact Σx and Σx² per slot.
pub(crate) type Moments = PowerSums<2, Spread>;

impl Moments {
    /// An empty one.
    pub(crate) fn new(spread: Spread) -> Self {
        Self::of(spread)
    }
}

impl Reading<2> for Spread {
    fn name(&self) -> &'static str {
        match self {
            Self::VarSamp => "var_samp",
            Self::VarPop => "var_pop",
            Self::StddevSamp => "stddev_samp",
            Self::StddevPop => "stddev_pop",
        }
    }

    fn read(&self, sums: &Sums<2>, special: Option<f64>) -> Result<Option<f64>, AggregateError> {
        let sample = matches!(self, Self::VarSamp | Self::StddevSamp);
        let divisor = sums.values - i64::from(sample);
        if divisor <= 0 {
            return Ok(None);
        }
        if special.is_some() {
            return Ok(Some(f64::NAN));
        }
        let variance = variance(sums, divisor);
        if variance < 0.0 {
            // By Cauchy and Schwarz only a retraction of other values than were inserted can lead here.
            return Err(AggregateError::NegativeWeight(self.name()));
        }
        Ok(Some(match self {
            Self::VarSamp | Self::VarPop => variance,
            Self::StddevSamp | Self::StddevPop => variance.sqrt(),
        }))
    }
}

/// (n·Σx² − (Σx)²) / (n·divisor).
fn variance(Sums { sums: [sum, squares], values }: &Sums<2>, divisor: i64) -> f64 {
    let (sum, sum_exponent) = sum.big();
    let (squares, squares_exponent) = squares.big();
    let exponent = squares_exponent.min(2 * sum_exponent);
    let squares = (squares * *values) << (squares_exponent - exponent) as u64;
    let square_of_sum = (&sum * &sum) << (2 * sum_exponent - exponent) as u64;
    let denominator = BigUint::from(values.unsigned_abs()) * divisor.unsigned_abs();
    round_ratio(&(squares - square_of_sum), &denominator, exponent)
}
