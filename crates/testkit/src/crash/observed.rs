//! What the server says it holds, read through SQL as plain numbers.

use highwater_client::Client;
use serde_json::{Map, Value};

use super::event::Target;
use crate::TestkitError;

/// A producer's batches as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredLane {
    /// The producer.
    pub producer: u64,
    /// How many different sequences.
    pub batches: u64,
    /// Largest sequence plus one.
    pub end: u64,
    /// Sum of the amounts.
    pub total: i64,
}

/// A partition as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StoredPartition {
    /// The partition.
    pub partition: u64,
    /// How many records.
    pub records: u64,
    /// Smallest offset.
    pub first: u64,
    /// Largest offset.
    pub last: u64,
}

/// A stream as stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredStream {
    /// By producer.
    pub lanes: Vec<StoredLane>,
    /// By partition.
    pub partitions: Vec<StoredPartition>,
    /// Batches of which a record is missing or doubled.
    pub uneven: Vec<String>,
}

/// Reads a stream.
pub(super) async fn stream(client: &Client, target: Target) -> Result<StoredStream, TestkitError> {
    let messages = target.messages();
    let amount = match target {
        Target::Events => "amount",
        Target::Accounts => "balance",
    };
    let lanes = format!(
        "SELECT producer, count(DISTINCT seq) AS batches, max(seq) + 1 AS batch_end, sum({amount}) AS total \
         FROM {messages} GROUP BY producer"
    );
    let partitions = format!(
        "SELECT _partition AS part, count(*) AS records, min(_offset) AS first_offset, max(_offset) AS last_offset \
         FROM {messages} GROUP BY _partition"
    );
    let uneven = format!(
        "SELECT producer, seq, count(*) AS records, count(DISTINCT item) AS items, min(size) AS size FROM {messages} \
         GROUP BY producer, seq HAVING count(*) <> min(size) OR count(DISTINCT item) <> min(size) LIMIT 20"
    );
    let mut stored = StoredStream::default();
    for row in rows(client, &lanes).await? {
        stored.lanes.push(StoredLane {
            producer: number(&row, "producer")?,
            batches: number(&row, "batches")?,
            end: number(&row, "batch_end")?,
            total: integer(&row, "total")?,
        });
    }
    for row in rows(client, &partitions).await? {
        stored.partitions.push(StoredPartition {
            partition: number(&row, "part")?,
            records: number(&row, "records")?,
            first: number(&row, "first_offset")?,
            last: number(&row, "last_offset")?,
        });
    }
    stored.uneven = rows(client, &uneven).await?.into_iter().map(|row| Value::Object(row).to_string()).collect();
    Ok(stored)
}

/// Runs a query.
pub(super) async fn rows(client: &Client, sql: &str) -> Result<Vec<Map<String, Value>>, TestkitError> {
    client.rows(sql).await.map_err(TestkitError::request(sql))
}

fn number(row: &Map<String, Value>, column: &str) -> Result<u64, TestkitError> {
    integer(row, column)?.try_into().map_err(|error| TestkitError::answer(column, error))
}

fn integer(row: &Map<String, Value>, column: &str) -> Result<i64, TestkitError> {
    let value = row.get(column).unwrap_or(&Value::Null);
    // Sums of 64-bit integers may be wider than 64 bits and then come as decimals.
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().map_err(|_| TestkitError::answer(column, format!("not an integer: {text}")))
}
