//! `app.toml`: what an app is called, how its simulator is set up for the demo, which files hold which stream's events.

use serde::Deserialize;

/// The whole of `app.toml`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Manifest {
    /// One line for people.
    pub title: String,
    /// The simulator, if the app has one.
    pub simulator: Option<SimulatorManifest>,
    /// Which files are events of which stream.
    pub files: Vec<FileRule>,
    /// What to try once it runs: SQL that answers something.
    pub queries: Vec<String>,
}

/// How the demo runs the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatorManifest {
    /// How many people; absent: the app's own number.
    pub users: Option<u64>,
    /// Live events per second.
    pub events_per_second: f64,
    /// Days of history made up first when there is none.
    #[serde(default)]
    pub backfill_days: u32,
    /// Events in that history.
    #[serde(default)]
    pub backfill_events: u64,
}

/// Files whose name matches hold events of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRule {
    /// The file's name; `*` stands for anything.
    pub pattern: String,
    /// The stream, without the app's schema.
    pub stream: String,
}

impl FileRule {
    /// Whether a file's name (without folders) matches.
    pub fn matches(&self, name: &str) -> bool {
        let mut pieces = self.pattern.split('*');
        let Some(mut rest) = name.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else { return rest.is_empty() };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}
