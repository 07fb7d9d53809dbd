//! What every simulator can do, and the settings they share.

use crate::Timeline;

/// Makes one app's events as NDJSON. Event number `n` is the same whatever was made before it.
pub trait Simulator: Send {
    /// The stream the events are for, qualified.
    fn stream(&self) -> &str;

    /// Appends the next events to `out`, one JSON object a line.
    fn next_batch(&mut self, events: usize, out: &mut Vec<u8>);

    /// The number of the event that comes next; starts at 0.
    fn position(&self) -> u64;

    /// Goes on with this event number.
    fn seek(&mut self, event: u64);

    /// What belongs into the app's tables for the events to refer to.
    fn tables(&self) -> Vec<Rows> {
        Vec::new()
    }
}

/// Rows for a table. Names and values are SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The table, qualified.
    pub table: &'static str,
    /// Its columns, those of the key first.
    pub columns: Vec<&'static str>,
    /// How many columns the key has.
    pub key: usize,
    /// Each row as `(value, …)`.
    pub rows: Vec<String>,
}

impl Rows {
    /// Statements that write the rows that are not there yet, `most` at a time: what people changed stays.
    pub fn statements(&self, most: usize) -> impl Iterator<Item = String> {
        let (table, columns) = (self.table, self.columns.join(", "));
        let same: Vec<String> =
            self.columns.iter().take(self.key).map(|column| format!("known.{column} = new.{column}")).collect();
        let same = same.join(" AND ");
        self.rows.chunks(most.max(1)).map(move |rows| {
            let rows = rows.join(", ");
            format!(
                "INSERT INTO {table} ({columns}) SELECT {columns} FROM (VALUES {rows}) AS new ({columns}) \
                 WHERE NOT EXISTS (SELECT 1 FROM {table} AS known WHERE {same})"
            )
        })
    }
}

/// What decides every byte of a simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatorSettings {
    /// Picks one of 2^64 histories.
    pub seed: u64,
    /// When events happen.
    pub timeline: Timeline,
    /// How many people; `None` is the app's own number.
    pub users: Option<u64>,
}
