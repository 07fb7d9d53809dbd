//! The body of the fuzz target as a plain function, so that the fuzzer and the seeded mutation test run the same checks.

#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};

use crate::{Calendar, Horizon, Limits};

/// Reads arbitrary bytes as a calendar and expands it, with small limits so that reaching them is tested too.
///
/// # Panics
/// When a property does not hold: instances lie in the horizon, in order, within the limits; busy intervals are their
/// union; the same bytes give the same answer.
pub fn fuzz_calendar(data: &[u8]) {
    let limits = Limits {
        instances: 500,
        instances_per_event: 100,
        steps: 60_000,
        steps_per_event: 30_000,
        ..Limits::default()
    };
    let zone = chrono_tz::America::New_York;
    let time = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0).unwrap_or_default();
    let horizon = Horizon { from: time(860_000_000), to: time(1_800_000_000), zone };
    let calendar = Calendar::read(data, &limits);
    let expansion = calendar.expand(&horizon);
    let instances = &expansion.instances;
    assert!(instances.len() <= limits.instances, "within the limit");
    assert!(instances.windows(2).all(|pair| pair[0].start <= pair[1].start), "in order");
    for instance in instances {
        assert!(instance.start <= instance.end && instance.start < horizon.to, "within the horizon");
        assert!(instance.end > horizon.from || instance.start >= horizon.from, "within the horizon");
        let covered = expansion
            .busy
            .iter()
            .any(|busy| busy.start <= instance.start.max(horizon.from) && instance.end.min(horizon.to) <= busy.end);
        assert!(covered || !instance.busy || instance.start == instance.end, "busy covers its instances");
    }
    for busy in &expansion.busy {
        assert!(horizon.from <= busy.start && busy.start < busy.end && busy.end <= horizon.to, "cut to the horizon");
    }
    assert!(expansion.busy.windows(2).all(|pair| pair[0].end < pair[1].start), "neither overlap nor touch");
    assert!(calendar.diagnostics().0.len() <= limits.findings + 1, "findings are limited");
    let again = Calendar::read(data, &limits).expand(&horizon);
    assert_eq!((again.instances, again.busy), (expansion.instances, expansion.busy), "deterministic");
}
