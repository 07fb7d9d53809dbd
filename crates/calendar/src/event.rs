//! One `VEVENT` as written: its values read, what is wrong named. Nothing is expanded here.

use std::sync::Arc;

use crate::findings::Findings;
use crate::rule::Rule;
use crate::text::{Component, Property};
use crate::value::{self, Span};
use crate::zone::{Stamp, ZoneName};

/// Unknown zones that are told apart.
const UNKNOWN: usize = 50;

const TIMES: &str = "write a date (20260131) or a time (20260131T090000, with Z for UTC)";

/// How long an event takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// A day for a date, nothing for a time (RFC 5545, 3.6.1).
    Unsaid,
    /// Up to `DTEND`: every instance takes exactly as long as the first.
    Until(Stamp),
    /// `DURATION`: days are civil, the rest is exact.
    For(Span),
}

/// An instance that `RDATE` adds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Added {
    pub(crate) start: Stamp,
    /// Its own length, when it is a period.
    pub(crate) length: Option<Length>,
}

/// Which instance of a series an event replaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replaces {
    pub(crate) instance: Stamp,
    /// `RANGE=THISANDFUTURE`.
    pub(crate) and_future: bool,
}

/// An event.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) line: u32,
    pub(crate) uid: Arc<str>,
    pub(crate) summary: Arc<str>,
    pub(crate) start: Option<Stamp>,
    pub(crate) length: Length,
    pub(crate) rules: Vec<Rule>,
    /// `EXRULE`, which RFC 5545 gave up but files still hold.
    pub(crate) except_rules: Vec<Rule>,
    pub(crate) added: Vec<Added>,
    pub(crate) excluded: Vec<Stamp>,
    pub(crate) replaces: Option<Replaces>,
    pub(crate) is_cancelled: bool,
    pub(crate) is_busy: bool,
    /// `SEQUENCE`, `DTSTAMP`: of two versions the later one counts.
    pub(crate) version: (i64, String),
}

/// Reads events of one `VCALENDAR`; knows its zones by name.
pub(crate) struct EventReader<'a> {
    pub(crate) zone: &'a dyn Fn(&str) -> Option<ZoneName>,
    pub(crate) is_cancelled: bool,
    pub(crate) findings: &'a mut Findings,
    /// Zones that were reported as unknown.
    pub(crate) unknown: Vec<String>,
}

impl EventReader<'_> {
    /// Reads a `VEVENT`; `None` when it says no time, so that nothing can come of it.
    pub(crate) fn read(&mut self, component: &Component) -> Option<Event> {
        let is_cancelled = self.is_cancelled || component.property("STATUS").is_some_and(|p| is(p, "CANCELLED"));
        let start = match component.property("DTSTART") {
            Some(property) => Some(self.stamp(property)?),
            None if is_cancelled => None,
            None => {
                self.findings.error(component.line, "BEGIN:VEVENT", "this event has no DTSTART", "give it one");
                return None;
            }
        };
        let text = |name| component.property(name).map_or_else(String::new, Property::text);
        let number = |name| component.property(name).and_then(|p| value::number(&p.value)).unwrap_or_default();
        let mut event = Event {
            line: component.line,
            uid: text("UID").into(),
            summary: text("SUMMARY").into(),
            start,
            length: self.length(component),
            rules: self.rules(component, "RRULE", start),
            except_rules: self.rules(component, "EXRULE", start),
            added: Vec::new(),
            excluded: Vec::new(),
            replaces: None,
            is_cancelled,
            is_busy: !component.property("TRANSP").is_some_and(|p| is(p, "TRANSPARENT")),
            version: (number("SEQUENCE"), text("DTSTAMP")),
        };
        for property in component.all("RDATE") {
            let zone = self.zone_of(property);
            event.added.extend(property.value.split(',').filter_map(|text| self.added(property, zone, text)));
        }
        for property in component.all("EXDATE") {
            let zone = self.zone_of(property);
            event.excluded.extend(property.value.split(',').filter_map(|text| self.stamp_in(property, zone, text)));
        }
        if let Some(property) = component.property("RECURRENCE-ID") {
            // Without a usable one it would be taken for the whole series.
            let instance = self.stamp(property)?;
            event.replaces = Some(Replaces { instance, and_future: property.has("RANGE", "THISANDFUTURE") });
            if !event.rules.is_empty() {
                let message = "an event that replaces an instance has a rule of its own, which is not used";
                self.findings.doubtful(property, message, "give the rule to the event without RECURRENCE-ID");
            }
        }
        Some(event)
    }

    fn length(&mut self, component: &Component) -> Length {
        if let Some(property) = component.property("DTEND") {
            return self.stamp(property).map_or(Length::Unsaid, Length::Until);
        }
        let Some(property) = component.property("DURATION") else { return Length::Unsaid };
        match value::span(&property.value) {
            Some(span) if span.days >= 0 && span.seconds >= 0 => Length::For(span),
            _ => {
                self.findings.wrong(property, "this is no length of an event", "write it as PT1H30M or P1D");
                Length::Unsaid
            }
        }
    }

    fn rules(&mut self, component: &Component, name: &str, start: Option<Stamp>) -> Vec<Rule> {
        let mut rules = Vec::new();
        for property in component.all(name) {
            let is_day = start.is_some_and(Stamp::is_day);
            match Rule::parse(&property.value) {
                Ok(rule) if is_day && rule.is_within_a_day() => {
                    let message = "an event of whole days cannot come several times a day";
                    self.findings.wrong(property, message, "write FREQ=DAILY, or give DTSTART a time");
                }
                Ok(rule) => rules.push(rule),
                Err(problem) => {
                    self.findings.wrong(property, problem, "until it is mended, the event counts without this rule");
                }
            }
        }
        rules
    }

    /// A value of `RDATE`: a date, a time or a period.
    fn added(&mut self, property: &Property, zone: ZoneName, text: &str) -> Option<Added> {
        match text.split_once('/') {
            None => Some(Added { start: self.stamp_in(property, zone, text)?, length: None }),
            Some(_) => {
                let (start, length) = self.period(property, zone, text)?;
                Some(Added { start, length: Some(length) })
            }
        }
    }

    /// A period: `start/end` or `start/duration`.
    pub(crate) fn period(&mut self, property: &Property, zone: ZoneName, text: &str) -> Option<(Stamp, Length)> {
        let Some((start, end)) = text.split_once('/') else {
            let hint = "write start/end or start/duration, such as 20260131T090000Z/PT1H";
            self.findings.wrong(property, format!("\"{text}\" is no period"), hint);
            return None;
        };
        let start = self.stamp_in(property, zone, start)?;
        let length = match value::span(end) {
            Some(span) if span.days >= 0 && span.seconds >= 0 => Length::For(span),
            _ => Length::Until(self.stamp_in(property, zone, end)?),
        };
        Some((start, length))
    }

    /// The one date or time of a property.
    fn stamp(&mut self, property: &Property) -> Option<Stamp> {
        let zone = self.zone_of(property);
        self.stamp_in(property, zone, &property.value)
    }

    /// The zone that a property's local times are in. An unknown one is reported once.
    pub(crate) fn zone_of(&mut self, property: &Property) -> ZoneName {
        let Some(name) = property.parameter("TZID") else { return ZoneName::Viewer };
        let known = (self.zone)(name);
        if known.is_none() && !self.unknown.iter().any(|unknown| unknown == name) && self.unknown.len() < UNKNOWN {
            let message = format!("the time zone \"{name}\" is not known; its times are read in the user's own zone");
            self.findings.doubtful(property, message, "name an IANA zone (Europe/Lisbon), or add a VTIMEZONE");
            self.unknown.push(name.to_owned());
        }
        known.unwrap_or(ZoneName::Viewer)
    }

    /// A date or time in a zone, unless it says itself that it is UTC.
    fn stamp_in(&mut self, property: &Property, zone: ZoneName, text: &str) -> Option<Stamp> {
        let Some(when) = value::when(text) else {
            self.findings.wrong(property, format!("\"{text}\" is no date or time of {}", property.name), TIMES);
            return None;
        };
        Some(Stamp { when, zone })
    }
}

fn is(property: &Property, value: &str) -> bool {
    property.value.eq_ignore_ascii_case(value)
}
