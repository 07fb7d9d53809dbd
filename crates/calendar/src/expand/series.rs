//! All events of one `UID`: the series, and the events that replace instances of it (RFC 5545, 3.8.4.4).

use std::collections::{BTreeMap, HashSet};

use super::calendar::Work;
use crate::event::{Event, Length, Replaces};
use crate::rule::{Occurrences, Rule, Until, Window};
use crate::value::{DAY, When};
use crate::zone::{Stamp, ZoneName, Zones};

/// How long instances take, the first one's `DTEND` turned into a length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Whole days.
    Days(i64),
    /// Civil days and exact seconds.
    Span(i64, i64),
}

impl Extent {
    pub(super) fn of(length: Length, start: Stamp, zones: &Zones) -> Self {
        match (length, start.is_day()) {
            (Length::Unsaid, true) => Self::Days(1),
            (Length::Unsaid, false) => Self::Span(0, 0),
            // Writers that give a day the end of the same day mean that day.
            (Length::Until(end), true) => Self::Days((end.civil() - start.civil() + DAY - 1).div_euclid(DAY).max(1)),
            (Length::Until(end), false) => Self::Span(0, (end.instant(zones) - start.instant(zones)).max(0)),
            (Length::For(span), true) => Self::Days((span.days + (span.seconds + DAY - 1) / DAY).max(1)),
            (Length::For(span), false) => Self::Span(span.days, span.seconds),
        }
    }

    /// When what begins at a civil time ends.
    pub(super) fn end(self, civil: i64, zone: ZoneName, zones: &Zones) -> i64 {
        match self {
            Self::Days(days) => zones.instant(zone, civil + days * DAY),
            Self::Span(days, seconds) => zones.instant(zone, civil + days * DAY) + seconds,
        }
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Days(days) => days * DAY,
            Self::Span(days, seconds) => days * DAY + seconds,
        }
    }
}

/// The events of one `UID`, of each the latest version.
#[derive(Debug, Default)]
pub(super) struct Series<'a> {
    master: Option<&'a Event>,
    replacements: Vec<(Replaces, &'a Event)>,
}

/// The instances of the master: civil starts by instant, with a length of their own if they have one.
type Starts = BTreeMap<i64, (i64, Option<Extent>)>;

impl<'a> Series<'a> {
    pub(super) fn take(&mut self, event: &'a Event) {
        match event.replaces {
            Some(replaces) => self.replacements.push((replaces, event)),
            None if self.master.is_none_or(|known| event.version >= known.version) => self.master = Some(event),
            None => {}
        }
    }

    pub(super) fn expand(&self, work: &mut Work) {
        let replaced = Replaced::new(&self.replacements, self.master, &work.zones);
        if let Some(master) = self.master {
            if master.is_cancelled {
                return;
            }
            expand_master(master, &replaced, work);
        }
        for event in replaced.singles() {
            let Some(start) = event.start.filter(|_| !event.is_cancelled) else { continue };
            let extent = Extent::of(event.length, start, &work.zones);
            emit(event, event, start.civil(), extent, work);
        }
    }
}

/// Puts an instance of `event` (as `look` describes it) where it belongs.
fn emit(event: &Event, look: &Event, civil: i64, extent: Extent, work: &mut Work) -> bool {
    let Some(stamp) = look.start else { return true };
    let start = work.zones.instant(stamp.home(), civil);
    let end = extent.end(civil, stamp.home(), &work.zones);
    work.push(&event.uid, &look.summary, start, end, stamp.is_day(), look.is_busy)
}

fn expand_master(master: &Event, replaced: &Replaced<'_>, work: &mut Work) {
    let Some(stamp) = master.start else { return };
    if let Length::Until(end) = master.length
        && end.instant(&work.zones) < stamp.instant(&work.zones)
    {
        work.findings.warning(master.line, "BEGIN:VEVENT", "the event ends before it begins", "mend DTEND");
    }
    let extent = Extent::of(master.length, stamp, &work.zones);
    let reach = extent.seconds().max(replaced.longest_future(&work.zones)) + replaced.widest_shift() + 2 * DAY;
    let starts = starts(master, stamp, reach, work);
    let mut given = 0;
    for (instant, (civil, own_extent)) in starts {
        if replaced.holds(instant, civil) {
            continue;
        }
        let before = work.instances.len();
        let has_room = match replaced.future(instant) {
            Some((_, event)) if event.is_cancelled => true,
            Some((shift, event)) => {
                let stamp = event.start.unwrap_or(stamp);
                let extent = own_extent.unwrap_or_else(|| Extent::of(event.length, stamp, &work.zones));
                emit(master, event, civil + shift, extent, work)
            }
            None => emit(master, master, civil, own_extent.unwrap_or(extent), work),
        };
        given += work.instances.len() - before;
        if given > work.limits.instances_per_event {
            work.instances.pop();
            let message = format!("the event has more than {} instances; the rest is left out", given - 1);
            work.findings.error(
                master.line,
                "BEGIN:VEVENT",
                message,
                "ask for a shorter time, or give its rule an end",
            );
            return;
        }
        if !has_room {
            return;
        }
    }
}

/// The instances of a master that may touch the horizon, exceptions taken out.
fn starts(master: &Event, stamp: Stamp, reach: i64, work: &mut Work) -> Starts {
    let home = stamp.home();
    let (from, to) = (work.from.saturating_sub(reach), work.to.saturating_add(reach));
    let mut starts = Starts::new();
    starts.insert(stamp.instant(&work.zones), (stamp.civil(), None));
    let steps = work.limits.steps_per_event.min(work.steps_left);
    work.event_steps = steps;
    let window = Window { start: stamp.civil(), is_day: stamp.is_day(), from, to };
    for rule in &master.rules {
        each_time(rule, master.line, home, window, true, work, &mut |instant, civil| {
            starts.insert(instant, (civil, None));
        });
    }
    for added in master.added.iter().filter(|added| added.start.is_day() == stamp.is_day()) {
        let instant = added.start.instant(&work.zones);
        let extent = added.length.map(|length| Extent::of(length, added.start, &work.zones));
        let civil = if stamp.is_day() { added.start.civil() } else { work.zones.civil(home, instant) };
        starts.insert(instant, (civil, extent));
    }
    if master.added.iter().any(|added| added.start.is_day() != stamp.is_day()) {
        let message = "RDATE and DTSTART are not both dates or both times; such an RDATE does not count";
        work.findings.error(master.line, "BEGIN:VEVENT", message, "write both alike");
    }
    for rule in &master.except_rules {
        each_time(rule, master.line, home, window, false, work, &mut |instant, _| {
            starts.remove(&instant);
        });
    }
    if work.event_steps == 0 && !master.rules.is_empty() {
        let message = "the event's rules take too long to work out; what was not found is left out";
        work.findings.error(
            master.line,
            "BEGIN:VEVENT",
            message,
            "give them a later DTSTART, UNTIL, or fewer conditions",
        );
    }
    work.steps_left -= steps - work.event_steps;
    let (days, instants) = keys(master.excluded.iter().copied(), stamp.is_day(), &work.zones);
    starts.retain(|instant, (civil, _)| !instants.contains(instant) && !days.contains(&civil.div_euclid(DAY)));
    starts
}

/// Goes through a rule's times within a window: instants and civil times.
fn each_time(
    rule: &Rule,
    line: u32,
    home: ZoneName,
    window: Window,
    counts_start: bool,
    work: &mut Work,
    take: &mut dyn FnMut(i64, i64),
) {
    let mut rule = rule.clone();
    let mut last = i64::MAX;
    if let Some(Until::Utc(instant)) = rule.until
        && !window.is_day
    {
        last = instant;
        rule.until = Some(Until::Local(work.zones.civil(home, instant)));
    }
    // "The DTSTART property value always counts as the first occurrence" (RFC 5545, 3.3.10), also when the rule does not
    // give it.
    if let Some(count) = rule.count.filter(|_| counts_start) {
        let mut first =
            Occurrences::new(&rule, Window { from: window.start, to: window.start, ..window }, work.event_steps);
        if first.next() != Some(window.start) {
            rule.count = Some(count - 1);
        }
    }
    let mut occurrences = Occurrences::new(&rule, window, work.event_steps);
    for civil in occurrences.by_ref().take(work.limits.instances_per_event) {
        let instant = work.zones.instant(home, civil);
        if instant <= last {
            take(instant, civil);
        }
    }
    if occurrences.next().is_some() {
        let message =
            format!("a rule gives more than {} instances; the rest is left out", work.limits.instances_per_event);
        work.findings.error(line, "BEGIN:VEVENT", message, "ask for a shorter time, or give the rule an end");
    }
    work.event_steps = occurrences.steps;
}

/// Stamps that name instances, as days and as instants: a date names whatever is on that day.
fn keys(stamps: impl Iterator<Item = Stamp>, of_days: bool, zones: &Zones) -> (HashSet<i64>, HashSet<i64>) {
    let (mut days, mut instants) = (HashSet::new(), HashSet::new());
    for stamp in stamps {
        match stamp.when {
            When::Date(day) => {
                days.insert(day);
            }
            _ if of_days => {
                days.insert(stamp.civil().div_euclid(DAY));
            }
            _ => {
                instants.insert(stamp.instant(zones));
            }
        }
    }
    (days, instants)
}

/// The replacements of a series, found by the instance they replace.
struct Replaced<'a> {
    /// Of one instance, the latest version of each.
    singles: BTreeMap<InstanceName, (Replaces, &'a Event)>,
    days: HashSet<i64>,
    instants: HashSet<i64>,
    /// From an instance on, in order: its instant, by how much the times of day move, and the event.
    future: Vec<(i64, i64, &'a Event)>,
}

/// What tells versions of one replacement apart: the instant it names, and whether that is a day.
type InstanceName = (i64, bool);

impl<'a> Replaced<'a> {
    fn new(all: &[(Replaces, &'a Event)], master: Option<&Event>, zones: &Zones) -> Self {
        let mut latest: BTreeMap<(i64, bool, bool), (Replaces, &'a Event)> = BTreeMap::new();
        for (replaces, event) in all {
            let key = (replaces.instance.instant(zones), replaces.instance.is_day(), replaces.and_future);
            let known = latest.get(&key);
            if known.is_none_or(|(_, known)| event.version >= known.version) {
                latest.insert(key, (*replaces, *event));
            }
        }
        let mut future: Vec<(i64, i64, &'a Event)> = Vec::new();
        let mut singles = BTreeMap::new();
        for ((instant, is_day, and_future), (replaces, event)) in latest {
            if and_future && master.is_some() {
                future.push((instant, shift(replaces.instance, event, master, zones), event));
            } else {
                singles.insert((instant, is_day), (replaces, event));
            }
        }
        future.sort_by_key(|(instant, ..)| *instant);
        let of_days = master.and_then(|master| master.start).is_some_and(Stamp::is_day);
        let (days, instants) = keys(singles.values().map(|(replaces, _)| replaces.instance), of_days, zones);
        Self { singles, days, instants, future }
    }

    /// Whether an instance of the master has another event in its place.
    fn holds(&self, instant: i64, civil: i64) -> bool {
        self.instants.contains(&instant) || self.days.contains(&civil.div_euclid(DAY))
    }

    /// What an instance became with all that follow: the shift of its start, and the event that describes it.
    fn future(&self, instant: i64) -> Option<(i64, &'a Event)> {
        let place = self.future.partition_point(|(from, ..)| *from <= instant);
        place.checked_sub(1).and_then(|last| self.future.get(last)).map(|(_, shift, event)| (*shift, *event))
    }

    fn widest_shift(&self) -> i64 {
        self.future.iter().map(|(_, shift, _)| shift.abs()).max().unwrap_or_default()
    }

    fn longest_future(&self, zones: &Zones) -> i64 {
        let lengths =
            self.future.iter().filter_map(|(.., event)| Some(Extent::of(event.length, event.start?, zones).seconds()));
        lengths.max().unwrap_or_default()
    }

    /// The events that take the place of one instance each, in order.
    fn singles(&self) -> Vec<&'a Event> {
        self.singles.values().map(|(_, event)| *event).collect()
    }
}

/// By how much a replacement moves the civil time of the instance it names.
fn shift(instance: Stamp, event: &Event, master: Option<&Event>, zones: &Zones) -> i64 {
    let Some(start) = event.start else { return 0 };
    let home = master.and_then(|master| master.start).map_or(ZoneName::Viewer, Stamp::home);
    let civil = if instance.is_day() { instance.civil() } else { zones.civil(home, instance.instant(zones)) };
    start.civil() - civil
}
