//! Latencies, gathered in a histogram of three significant digits (HdrHistogram) and told as percentiles.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::BenchError;

/// Longest latency told apart: ten minutes, in microseconds.
const LONGEST_US: u64 = 600_000_000;

/// Percentiles, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// Half were faster.
    pub p50_ms: f64,
    /// 90 %.
    pub p90_ms: f64,
    /// 99 %.
    pub p99_ms: f64,
    /// 99.9 %.
    pub p999_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// Gathers latencies.
#[derive(Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    pub(crate) fn new() -> Result<Self, BenchError> {
        let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
        histogram.map(Self).map_err(|error| BenchError::Gave(format!("no histogram could be made: {error}")))
    }

    /// Adds the latency of `count` events.
    pub(crate) fn add(&mut self, latency: Duration, count: u64) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(us.clamp(1, LONGEST_US));
        if count > 1 {
            let _ = self.0.record_n(us.clamp(1, LONGEST_US), count - 1);
        }
    }

    /// Adds those of another measurement.
    pub(crate) fn take(&mut self, other: &Self) -> Result<(), BenchError> {
        self.0.add(&other.0).map_err(|error| BenchError::Gave(format!("latencies cannot be added up: {error}")))
    }

    pub(crate) fn percentiles(&self) -> Percentiles {
        let at = |quantile| self.0.value_at_quantile(quantile) as f64 / 1000.0;
        Percentiles {
            count: self.0.len(),
            p50_ms: at(0.5),
            p90_ms: at(0.9),
            p99_ms: at(0.99),
            p999_ms: at(0.999),
            max_ms: self.0.max() as f64 / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weighs_by_events() -> Result<(), BenchError> {
        let mut latencies = Latencies::new()?;
        latencies.add(Duration::from_millis(1), 990);
        latencies.add(Duration::from_millis(100), 10);
        let told = latencies.percentiles();
        assert_eq!(told.count, 1000);
        assert!((told.p50_ms - 1.0).abs() < 0.01 && (told.p99_ms - 1.0).abs() < 0.01);
        assert!((told.p999_ms - 100.0).abs() < 0.2 && (told.max_ms - 100.0).abs() < 0.2);
        Ok(())
    }
}
