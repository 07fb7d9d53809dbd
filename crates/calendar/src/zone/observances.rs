//! `VTIMEZONE` (RFC 5545, 3.6.5): observances with an onset and, often, a rule for the onsets of later years.

use super::transitions::{Change, Transitions};
use crate::findings::Findings;
use crate::rule::{Occurrences, Rule, Until, Window};
use crate::text::{Component, Property};
use crate::value::{self, DAY, When};

/// Changes of one observance at most: twice a year for four centuries.
const CHANGES: usize = 1_000;

/// A change is kept, so it costs more than a day that is looked at.
const STEPS_PER_CHANGE: u64 = 25;

/// A zone as a calendar defines it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definition {
    observances: Vec<Observance>,
}

#[derive(Clone, Debug)]
struct Observance {
    line: u32,
    /// Civil seconds in `from`.
    start: i64,
    /// Seconds east of UTC.
    from: i64,
    to: i64,
    rules: Vec<Rule>,
    dates: Vec<When>,
}

/// Reads a `VTIMEZONE`; `None` when it has no observance that can be used.
pub(crate) fn read_definition(component: &Component, findings: &mut Findings) -> Option<Definition> {
    let mut observances = Vec::new();
    for part in component.components.iter().filter(|part| matches!(part.name.as_str(), "STANDARD" | "DAYLIGHT")) {
        observances.extend(read_observance(part, findings));
    }
    (!observances.is_empty()).then_some(Definition { observances })
}

fn read_observance(part: &Component, findings: &mut Findings) -> Option<Observance> {
    let mut needed = |name: &str| {
        let property = part.property(name);
        if property.is_none() {
            findings.error(part.line, "", format!("this part of a time zone has no {name}"), "add it");
        }
        property
    };
    let (start, from, to) = (needed("DTSTART")?, needed("TZOFFSETFROM")?, needed("TZOFFSETTO")?);
    let (from, to) = (read_offset(from, findings)?, read_offset(to, findings)?);
    let Some(When::Local(start) | When::Utc(start)) = value::when(&start.value) else {
        findings.wrong(start, "the start of a time zone's part is no time", "write it as 19700101T020000");
        return None;
    };
    let mut observance = Observance { line: part.line, start, from, to, rules: Vec::new(), dates: Vec::new() };
    for property in part.all("RRULE") {
        match Rule::parse(&property.value) {
            Ok(mut rule) => {
                // The only zone at hand is the offset before the change.
                if let Some(Until::Utc(instant)) = rule.until {
                    rule.until = Some(Until::Local(instant + from));
                }
                observance.rules.push(rule);
            }
            Err(problem) => findings.wrong(property, problem, "without it the zone changes once only"),
        }
    }
    for property in part.all("RDATE") {
        for text in property.value.split(',') {
            match value::when(text) {
                Some(date) => observance.dates.push(date),
                None => findings.wrong(property, format!("\"{text}\" is no time"), "write it as 19700101T020000"),
            }
        }
    }
    Some(observance)
}

fn read_offset(property: &Property, findings: &mut Findings) -> Option<i64> {
    let offset = value::offset(&property.value);
    if offset.is_none() {
        findings.wrong(property, "this is no offset from UTC", "write it as -0500 or +013000");
    }
    offset
}

impl Definition {
    /// All changes up to a civil time, as far as the steps that are left allow.
    pub(crate) fn transitions(&self, to: i64, steps: &mut u64, findings: &mut Findings) -> Transitions {
        let mut onsets = Vec::new();
        for observance in &self.observances {
            observance.onsets(to, steps, &mut onsets, findings);
        }
        Transitions::new(onsets)
    }
}

impl Observance {
    fn onsets(&self, to: i64, steps: &mut u64, onsets: &mut Vec<Change>, findings: &mut Findings) {
        let onset = |instant| Change { instant, before: self.from, after: self.to };
        onsets.push(onset(self.start - self.from));
        onsets.extend(self.dates.iter().map(|date| match date {
            When::Utc(instant) => onset(*instant),
            When::Local(civil) => onset(civil - self.from),
            When::Date(day) => onset(day * DAY - self.from),
        }));
        for rule in &self.rules {
            let window = Window { start: self.start, is_day: false, from: self.start, to };
            let mut occurrences = Occurrences::new(rule, window, *steps);
            let before = onsets.len();
            onsets.extend(occurrences.by_ref().take(CHANGES).map(|civil| onset(civil - self.from)));
            if occurrences.next().is_some() || occurrences.steps == 0 {
                let message = format!("this part of a time zone changes more than {CHANGES} times, or takes too long");
                findings.error(self.line, "", message, "give its rule FREQ=YEARLY and a later DTSTART");
            }
            *steps = occurrences.steps.saturating_sub((onsets.len() - before) as u64 * STEPS_PER_CHANGE);
        }
    }
}
