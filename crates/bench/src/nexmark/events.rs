//! The events of the `nexmark` crate's generator as request bodies, one stream for each kind: the same for every query,
//! made before the clock runs.

use std::fmt::Write;

use bytes::Bytes;
use nexmark::EventGenerator;
use nexmark::config::NexmarkConfig;
use nexmark::event::Event;

use crate::BenchError;

/// Time of the first event, in milliseconds since 1970: midnight of 15 July 2015 UTC, as in the original.
const BASE_TIME_MS: u64 = 1_436_918_400_000;

/// A kind of event, and the stream it goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Person,
    Auction,
    Bid,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Person, Self::Auction, Self::Bid];

    /// The stream's name in schema `nexmark`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Auction => "auction",
            Self::Bid => "bid",
        }
    }

    fn of(event: &Event) -> Self {
        match event {
            Event::Person(_) => Self::Person,
            Event::Auction(_) => Self::Auction,
            Event::Bid(_) => Self::Bid,
        }
    }
}

/// One request: events of one kind.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) kind: Kind,
    pub(crate) text: Bytes,
    pub(crate) events: u64,
}

/// `events` events of all kinds in time order, cut into bodies every `batch` events. With `shuffled` above 1, each group
/// of so many arrives in pseudo-random order.
pub(crate) fn bodies(events: u64, batch: u64, shuffled: usize) -> Result<Vec<Body>, BenchError> {
    let config =
        NexmarkConfig { base_time: BASE_TIME_MS, out_of_order_group_size: shuffled.max(1), ..NexmarkConfig::default() };
    let mut generator = EventGenerator::new(config);
    let mut bodies = Vec::new();
    let mut left = events;
    while left > 0 {
        let count = left.min(batch);
        let mut texts = [(String::new(), 0), (String::new(), 0), (String::new(), 0)];
        for event in generator.by_ref().take(count as usize) {
            let (text, events) = &mut texts[Kind::of(&event) as usize];
            write(text, &event).map_err(|e| BenchError::Gave(format!("cannot write an event: {e}")))?;
            *events += 1;
        }
        let filled = Kind::ALL.into_iter().zip(texts).filter(|(_, (_, events))| *events > 0);
        bodies.extend(filled.map(|(kind, (text, events))| Body { kind, text: text.into(), events }));
        left -= count;
    }
    Ok(bodies)
}

/// One line in the stream's layout. No field of the generator holds a comma or a quote.
fn write(text: &mut String, event: &Event) -> std::fmt::Result {
    match event {
        Event::Person(p) => writeln!(
            text,
            "{},{},{},{},{},{},{},{}",
            p.id, p.name, p.email_address, p.credit_card, p.city, p.state, p.date_time, p.extra
        ),
        Event::Auction(a) => writeln!(
            text,
            "{},{},{},{},{},{},{},{},{},{}",
            a.id,
            a.item_name,
            a.description,
            a.initial_bid,
            a.reserve,
            a.date_time,
            a.expires,
            a.seller,
            a.category,
            a.extra
        ),
        Event::Bid(b) => {
            writeln!(text, "{},{},{},{},{},{},{}", b.auction, b.bidder, b.price, b.channel, b.url, b.date_time, b.extra)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_hold_every_event_once_whatever_their_order() -> Result<(), BenchError> {
        let lines = |shuffled| -> Result<Vec<String>, BenchError> {
            let bodies = bodies(5_000, 700, shuffled)?;
            assert_eq!(bodies.iter().map(|body| body.events).sum::<u64>(), 5_000);
            let text = |body: &Body| String::from_utf8_lossy(&body.text).lines().map(str::to_owned).collect::<Vec<_>>();
            let mut lines: Vec<String> = bodies.iter().flat_map(text).collect();
            lines.sort_unstable();
            Ok(lines)
        };
        let in_order = lines(1)?;
        assert_eq!(in_order.len(), 5_000);
        assert_eq!(in_order, lines(1_000)?);
        Ok(())
    }
}
