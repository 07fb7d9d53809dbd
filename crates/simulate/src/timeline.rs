//! Simulated time: which instant event number `n` happens at. Exact integer arithmetic, so that it does not drift and
//! can be asked for any event in any order.

use crate::SimulateError;

/// Events per simulated second when no rate is asked for: what the original project's generators managed
/// (500,000 events in 20 s).
pub const DEFAULT_EVENTS_PER_SECOND: f64 = 25_000.0;

const MICROS_PER_SECOND: f64 = 1_000_000.0;
const MICROS_PER_DAY: i128 = 86_400 * 1_000_000;
const FRACTION_BITS: u32 = 32;
const MOST: f64 = 1_000_000_000.0;

/// An instant for every event number, evenly spaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    start_micros: i64,
    /// Microseconds between events, in 2^-32 µs.
    step: u64,
}

impl Timeline {
    /// Starts at an instant (microseconds since the epoch); `rate` events per real second, while the simulated clock
    /// runs `speed` times as fast as the real one.
    ///
    /// # Errors
    /// When rate or speed is not a number above 0 and at most a thousand million.
    pub fn paced(start_micros: i64, rate: f64, speed: f64) -> Result<Self, SimulateError> {
        let rate = in_range("the rate", rate)?;
        let speed = in_range("the speed", speed)?;
        let step = MICROS_PER_SECOND * speed / rate * f64::from(2.0_f32.powi(FRACTION_BITS.cast_signed()));
        // Saturates for spacings above 71 minutes of simulated time; a float cast never wraps.
        Ok(Self { start_micros, step: step as u64 })
    }

    /// Spreads `events` evenly over the `days` before an instant; the last one lies before it.
    #[must_use]
    pub fn spread(end_micros: i64, days: u32, events: u64) -> Self {
        let span = i128::from(days) * MICROS_PER_DAY;
        let step = (span << FRACTION_BITS) / i128::from(events.max(1));
        let start = i128::from(end_micros) - span;
        Self { start_micros: i64::try_from(start).unwrap_or(i64::MIN), step: u64::try_from(step).unwrap_or(u64::MAX) }
    }

    /// When an event happens, in microseconds since the epoch.
    #[inline]
    #[must_use]
    pub fn at_micros(&self, event: u64) -> i64 {
        let passed = (u128::from(event) * u128::from(self.step)) >> FRACTION_BITS;
        self.start_micros.saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }

    /// When event 0 happens, in microseconds since the epoch.
    #[must_use]
    pub fn start_micros(&self) -> i64 {
        self.start_micros
    }
}

fn in_range(what: &'static str, value: f64) -> Result<f64, SimulateError> {
    if value > 0.0 && value <= MOST {
        Ok(value)
    } else {
        Err(SimulateError::OutOfRange { what, value: value.to_string(), most: MOST.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_rate_space_the_events() -> Result<(), SimulateError> {
        let timeline = Timeline::paced(1_000, 100.0, 60.0)?;
        assert_eq!(timeline.at_micros(0), 1_000);
        assert_eq!(timeline.at_micros(100), 60_001_000);
        Ok(())
    }

    #[test]
    fn a_spread_ends_before_its_end() {
        let day = 86_400_000_000;
        let timeline = Timeline::spread(10 * day, 3, 7);
        assert_eq!(timeline.at_micros(0), 7 * day);
        assert!(timeline.at_micros(6) < 10 * day);
        assert!(timeline.at_micros(7) <= 10 * day);
    }

    #[test]
    fn refuses_what_is_no_rate() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Timeline::paced(0, rate, 1.0).is_err());
        }
    }
}
