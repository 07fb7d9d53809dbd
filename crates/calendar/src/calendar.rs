//! A calendar file that was read: its events, zones and free/busy periods.

use std::collections::HashMap;
use std::sync::Arc;

use highwater_model::Diagnostics;

use crate::Limits;
use crate::event::{Event, EventReader, Length};
use crate::findings::Findings;
use crate::text::{Component, read_components};
use crate::zone::{Definition, Stamp, ZoneName, read_definition, zone_named};

/// Everything in one iCalendar file that says when somebody is busy.
#[derive(Debug)]
pub struct Calendar {
    pub(crate) events: Vec<Event>,
    pub(crate) zones: Vec<Definition>,
    /// Periods of `VFREEBUSY` in which somebody is busy.
    pub(crate) busy: Vec<BusyPeriod>,
    pub(crate) limits: Limits,
    diagnostics: Diagnostics,
}

/// A period of a `VFREEBUSY`.
#[derive(Clone, Debug)]
pub(crate) struct BusyPeriod {
    pub(crate) uid: Arc<str>,
    pub(crate) start: Stamp,
    pub(crate) length: Length,
}

impl Calendar {
    /// Reads a file. Never fails: what cannot be read is left out and stands in [`Calendar::diagnostics`].
    #[must_use]
    pub fn read(bytes: &[u8], limits: &Limits) -> Self {
        let mut findings = Findings::new(limits.findings);
        let root = read_components(bytes, limits, &mut findings);
        let mut calendar = Self {
            events: Vec::new(),
            zones: Vec::new(),
            busy: Vec::new(),
            limits: *limits,
            diagnostics: Diagnostics::default(),
        };
        // Files without a VCALENDAR around their events exist; the root is one.
        calendar.take(&root, &mut findings);
        for component in root.components.iter().filter(|component| component.name == "VCALENDAR") {
            calendar.take(component, &mut findings);
        }
        let is_empty = root.components.is_empty() && findings.is_empty();
        if is_empty {
            findings.error(0, "", "the file holds no calendar", "an iCalendar file begins with BEGIN:VCALENDAR");
        }
        calendar.diagnostics = findings.finish();
        calendar
    }

    /// What is wrong with the file, line by line.
    #[must_use]
    pub fn diagnostics(&self) -> &Diagnostics {
        &self.diagnostics
    }

    fn take(&mut self, calendar: &Component, findings: &mut Findings) {
        let mut own = HashMap::new();
        for component in calendar.components.iter().filter(|component| component.name == "VTIMEZONE") {
            let Some(name) = component.property("TZID").map(|name| name.value.clone()) else {
                findings.warning(
                    component.line,
                    "BEGIN:VTIMEZONE",
                    "this time zone has no TZID",
                    "name it, or remove it",
                );
                continue;
            };
            if let Some(definition) = read_definition(component, findings) {
                own.insert(name, ZoneName::Own(self.zones.len()));
                self.zones.push(definition);
            }
        }
        // The file's own definition is what its author meant; the database is asked for what it does not define.
        let zone = |name: &str| own.get(name).copied().or_else(|| zone_named(name).map(ZoneName::Named));
        let is_cancelled = calendar.property("METHOD").is_some_and(|p| p.value.eq_ignore_ascii_case("CANCEL"));
        let mut reader = EventReader { zone: &zone, is_cancelled, findings, unknown: Vec::new() };
        for component in &calendar.components {
            match component.name.as_str() {
                "VEVENT" => self.events.extend(reader.read(component)),
                "VFREEBUSY" => read_busy(component, &mut reader, &mut self.busy),
                _ => {}
            }
        }
    }
}

/// `FREEBUSY` (RFC 5545, 3.8.2.6) holds periods; those of type `FREE` say that somebody is not busy.
fn read_busy(component: &Component, reader: &mut EventReader<'_>, busy: &mut Vec<BusyPeriod>) {
    let uid: Arc<str> = component.property("UID").map_or_else(String::new, |uid| uid.text()).into();
    for property in component.all("FREEBUSY").filter(|property| !property.has("FBTYPE", "FREE")) {
        let zone = reader.zone_of(property);
        for text in property.value.split(',').filter(|text| !text.trim().is_empty()) {
            if let Some((start, length)) = reader.period(property, zone, text) {
                busy.push(BusyPeriod { uid: uid.clone(), start, length });
            }
        }
    }
}
