//! When audits and recomputations begin by themselves: cron patterns in a time zone.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use highwater_api::{JobKind, JobRequest, JobTarget};
use tokio_util::sync::CancellationToken;

use super::run::start;
use crate::core::Core;

/// How long to sleep at most until the clock is looked at again: it may be set.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// When something is done again and again.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Cron,
    zone: Tz,
}

impl Schedule {
    /// Reads a cron pattern (`minute hour day month weekday`) and an IANA time zone.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(pattern: &str, zone: &str) -> Result<Self, String> {
        let cron = Cron::from_str(pattern).map_err(|error| format!("\"{pattern}\" is no cron pattern: {error}"))?;
        let zone = zone.parse().map_err(|_| format!("\"{zone}\" is no time zone such as Europe/Berlin"))?;
        Ok(Self { cron, zone })
    }

    /// The next time after this one; both in microseconds since 1970 UTC.
    #[must_use]
    pub fn next_after(&self, micros: i64) -> Option<i64> {
        let after: DateTime<Utc> = DateTime::from_timestamp_micros(micros)?;
        let next = self.cron.find_next_occurrence(&after.with_timezone(&self.zone), false).ok()?;
        Some(next.timestamp_micros())
    }
}

/// Begins jobs of a kind whenever it is time, until the engine closes.
pub(crate) async fn keep(core: Arc<Core>, kind: JobKind, schedule: Schedule, closing: CancellationToken) {
    let Some(mut next) = schedule.next_after(core.clock.now_micros()) else { return };
    loop {
        let micros = next.saturating_sub(core.clock.now_micros());
        if micros > 0 {
            let pause = Duration::from_micros(micros.unsigned_abs()).min(LOOK_EVERY);
            tokio::select! {
                () = tokio::time::sleep(pause) => continue,
                () = closing.cancelled() => return,
            }
        }
        let running = core.tasks.list().into_iter().any(|job| job.kind == kind && !job.state.is_over());
        if running {
            tracing::warn!(kind = kind.name(), "the last one still runs; this one is left out");
        } else if !core.health.is_ready() {
            tracing::warn!(kind = kind.name(), "not begun: the engine is not ready");
        } else if let Err(error) = start(&core, &JobRequest { kind, target: JobTarget::All, schema: None }) {
            tracing::info!(kind = kind.name(), %error, "nothing was begun");
        }
        match schedule.next_after(core.clock.now_micros().max(next)) {
            Some(later) => next = later,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn next(pattern: &str, zone: &str, after: &str) -> String {
        let after = after.parse::<DateTime<Utc>>().unwrap().timestamp_micros();
        let next = Schedule::parse(pattern, zone).unwrap().next_after(after).unwrap();
        DateTime::from_timestamp_micros(next).unwrap().to_rfc3339()
    }

    #[test]
    fn times_are_those_of_the_zone() {
        assert_eq!(next("0 3 * * *", "UTC", "2026-01-01T03:00:00Z"), "2026-01-02T03:00:00+00:00");
        assert_eq!(next("0 3 * * *", "Europe/Berlin", "2026-07-01T00:00:00Z"), "2026-07-01T01:00:00+00:00");
        assert_eq!(next("0 3 * * *", "Europe/Berlin", "2026-01-01T00:00:00Z"), "2026-01-01T02:00:00+00:00");
        assert_eq!(next("*/15 * * * *", "UTC", "2026-01-01T03:01:00Z"), "2026-01-01T03:15:00+00:00");
    }

    #[test]
    fn what_is_none_is_refused() {
        assert!(Schedule::parse("every night", "UTC").unwrap_err().contains("no cron pattern"));
        assert!(Schedule::parse("0 3 * * *", "Mars/Olympus").unwrap_err().contains("no time zone"));
    }
}
