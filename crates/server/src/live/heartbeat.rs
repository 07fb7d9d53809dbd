//! The second hand of a live connection: tells a page that it is connected, and how far the views are behind the log.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::app::App;

/// Time between two beats.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// Remembers how much had been accepted when.
#[derive(Default)]
pub(super) struct Heartbeat(VecDeque<(Instant, u64)>);

impl Heartbeat {
    /// One beat: a message.
    pub(super) fn beat(&mut self, app: &App) -> String {
        let status = app.engine.status();
        let accepted: u64 = status.streams.iter().map(|stream| stream.records).sum();
        let lag: u64 = status.streams.iter().map(|stream| stream.lag).sum();
        let behind = self.behind(Instant::now(), accepted, accepted.saturating_sub(lag));
        json!({
            "event": "alive",
            "version": status.version,
            "records": accepted,
            "lag": lag,
            "behind_ms": behind.as_millis() as u64,
            "pages": app.library.revision(),
        })
        .to_string()
    }

    /// How long ago the oldest record was accepted that is not visible yet, to the accuracy of the beats.
    fn behind(&mut self, now: Instant, accepted: u64, visible: u64) -> Duration {
        while self.0.front().is_some_and(|(_, accepted)| *accepted <= visible) {
            self.0.pop_front();
        }
        let behind = self.0.front().map_or(Duration::ZERO, |(then, _)| now - *then);
        if self.0.back().is_none_or(|(_, last)| *last != accepted) {
            self.0.push_back((now, accepted));
        }
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_is_the_age_of_what_is_not_visible() {
        let mut heart = Heartbeat::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(heart.behind(at(0), 100, 100), Duration::ZERO);
        assert_eq!(heart.behind(at(1), 200, 100), Duration::ZERO, "just accepted");
        assert_eq!(heart.behind(at(2), 300, 150), Duration::from_secs(1));
        assert_eq!(heart.behind(at(5), 300, 199), Duration::from_secs(4));
        assert_eq!(heart.behind(at(6), 300, 200), Duration::from_secs(4), "now it is the third hundred that waits");
        assert_eq!(heart.behind(at(7), 300, 300), Duration::ZERO);
    }
}
