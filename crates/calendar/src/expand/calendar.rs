//! Expansion of a whole calendar: its series one after the other, within the limits.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::busy::merge;
use super::series::{Extent, Series};
use super::{Expansion, Horizon, Instance};
use crate::Calendar;
use crate::event::Event;
use crate::findings::Findings;
use crate::value::DAY;
use crate::zone::Zones;

/// What all series of an expansion share.
pub(super) struct Work {
    pub(super) zones: Zones,
    /// The horizon, as instants.
    pub(super) from: i64,
    pub(super) to: i64,
    pub(super) limits: crate::Limits,
    pub(super) steps_left: u64,
    /// Of these, what the event at hand has left.
    pub(super) event_steps: u64,
    /// Whether there are as many instances as there may be.
    pub(super) is_full: bool,
    pub(super) findings: Findings,
    pub(super) instances: Vec<Instance>,
}

impl Calendar {
    /// Everything that takes place within a horizon.
    #[must_use]
    pub fn expand(&self, horizon: &Horizon) -> Expansion {
        let mut findings = Findings::new(self.limits.findings);
        let (from, to) = (horizon.from.timestamp(), horizon.to.timestamp());
        let mut steps_left = self.limits.steps;
        let last = to.saturating_add(2 * DAY);
        let own = self.zones.iter().map(|zone| zone.transitions(last, &mut steps_left, &mut findings)).collect();
        let mut work = Work {
            zones: Zones::new(horizon.zone, own),
            from,
            to,
            limits: self.limits,
            steps_left,
            event_steps: 0,
            is_full: false,
            findings,
            instances: Vec::new(),
        };
        for series in series_of(&self.events) {
            series.expand(&mut work);
            if work.is_full {
                break;
            }
        }
        for period in &self.busy {
            let extent = Extent::of(period.length, period.start, &work.zones);
            let end = extent.end(period.start.civil(), period.start.home(), &work.zones);
            let start = period.start.instant(&work.zones);
            work.push(&period.uid, &Arc::from(""), start, end, false, true);
        }
        let mut instances = work.instances;
        instances.sort_by(|a, b| (a.start, a.end, &a.uid).cmp(&(b.start, b.end, &b.uid)));
        Expansion { busy: merge(&instances, horizon), instances, diagnostics: work.findings.finish() }
    }
}

impl Work {
    /// Adds an instance if it lies in the horizon. `false` when there is no room left.
    pub(super) fn push(
        &mut self,
        uid: &Arc<str>,
        summary: &Arc<str>,
        start: i64,
        end: i64,
        all_day: bool,
        busy: bool,
    ) -> bool {
        let end = end.max(start);
        if start >= self.to || (end <= self.from && start < self.from) {
            return true;
        }
        if self.instances.len() >= self.limits.instances {
            if !self.is_full {
                let message =
                    format!("the calendar has more than {} instances; the rest is left out", self.limits.instances);
                self.findings.error(0, "", message, "ask for a shorter time");
                self.is_full = true;
            }
            return false;
        }
        if let (Some(start), Some(end)) = (time(start), time(end)) {
            let (uid, summary) = (uid.clone(), summary.clone());
            self.instances.push(Instance { uid, summary, start, end, all_day, busy });
        }
        true
    }
}

fn time(instant: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(instant, 0)
}

/// Events by `UID`, in the order of the file; one without is alone.
fn series_of(events: &[Event]) -> Vec<Series<'_>> {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut series: Vec<Series<'_>> = Vec::new();
    for event in events {
        let number =
            if event.uid.is_empty() { series.len() } else { *numbers.entry(&event.uid).or_insert(series.len()) };
        if number == series.len() {
            series.push(Series::default());
        }
        if let Some(series) = series.get_mut(number) {
            series.take(event);
        }
    }
    series
}
