//! Event time: how far it has come in each stream that declares how late its events may be. The watermark of a stream
//! says that no earlier event is expected; views are corrected by those that come all the same, which are counted.
//!
//! The watermark is, of every partition, the latest event time less the declared lateness, the least of those; it never
//! goes back. A partition counts as idle, and holds nothing up, when it has had no event yet, or when its newest was
//! accepted longer before the stream's newest than `idle`. No clock is read. An event is late by the watermark of the
//! version before it, so after a replay, which cuts ticks otherwise, the number of late events may be another.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};
use highwater_model::{EventBatch, Lateness, PartitionId};
use serde::{Deserialize, Serialize};

use crate::ViewsError;

/// Where a stream's event time is, and how late it may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimedBy {
    /// Index of the column.
    pub(super) column: usize,
    pub(super) lateness: Lateness,
}

/// How far event time has come in one stream. Times are microseconds since 1970 UTC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventTime {
    /// No earlier event is expected; absent before the first event.
    pub watermark: Option<i64>,
    /// Events that came with an earlier time than the watermark of the version before.
    pub late: u64,
    partitions: BTreeMap<PartitionId, Partition>,
}

/// What is known of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Partition {
    /// The latest event time.
    latest: i64,
    /// When its newest event was accepted.
    ingested_at: i64,
}

impl EventTime {
    /// Takes in the stream's events of a tick.
    pub(super) fn advance(&mut self, batches: &[EventBatch], by: TimedBy) -> Result<(), ViewsError> {
        for batch in batches {
            let times = micros(batch.rows.column(by.column))?;
            let times = times.as_primitive::<TimestampMicrosecondType>();
            let mut latest = None;
            for time in times.iter().flatten() {
                latest = latest.max(Some(time));
                self.late += u64::from(self.watermark.is_some_and(|watermark| time < watermark));
            }
            if let Some(latest) = latest {
                let ingested_at = batch.ingested_at_micros;
                let partition = self.partitions.entry(batch.partition).or_insert(Partition { latest, ingested_at });
                partition.latest = partition.latest.max(latest);
                partition.ingested_at = partition.ingested_at.max(ingested_at);
            }
        }
        let newest = self.partitions.values().map(|partition| partition.ingested_at).max();
        let is_active = |partition: &&Partition| {
            newest.is_none_or(|newest| newest.saturating_sub(partition.ingested_at) <= by.lateness.idle_micros)
        };
        let least = self.partitions.values().filter(is_active).map(|partition| partition.latest).min();
        let come = least.map(|least| least.saturating_sub(by.lateness.micros));
        self.watermark = self.watermark.max(come);
        Ok(())
    }
}

/// A column of times as microseconds.
fn micros(column: &ArrayRef) -> Result<ArrayRef, ViewsError> {
    let zone = match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => return Ok(column.clone()),
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    Ok(arrow_cast::cast(column, &DataType::Timestamp(TimeUnit::Microsecond, zone))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use arrow_array::{RecordBatch, TimestampMicrosecondArray};
    use arrow_schema::{Field, Schema};

    use super::*;

    const BY: TimedBy = TimedBy { column: 0, lateness: Lateness { micros: 10, idle_micros: 1_000 } };

    fn batch(partition: u32, ingested_at_micros: i64, times: &[Option<i64>]) -> EventBatch {
        let column: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.to_vec()));
        let schema = Schema::new(vec![Field::new("ts", column.data_type().clone(), true)]);
        let rows = RecordBatch::try_new(Arc::new(schema), vec![column]).unwrap();
        EventBatch { partition: PartitionId(partition), base_offset: 0, ingested_at_micros, rows }
    }

    #[test]
    fn the_slowest_partition_holds_the_watermark_back() {
        let mut time = EventTime::default();
        time.advance(&[batch(0, 1, &[Some(100), None, Some(90)]), batch(1, 1, &[Some(50)])], BY).unwrap();
        assert_eq!((time.watermark, time.late), (Some(40), 0));
        time.advance(&[batch(1, 2, &[Some(120), Some(39), Some(40)])], BY).unwrap();
        assert_eq!((time.watermark, time.late), (Some(90), 1), "39 is before the watermark, 40 is not");
    }

    #[test]
    fn an_idle_partition_holds_nothing_up_and_the_watermark_never_falls() {
        let mut time = EventTime::default();
        time.advance(&[batch(0, 0, &[Some(100)]), batch(1, 0, &[Some(50)])], BY).unwrap();
        time.advance(&[batch(0, 1_000, &[Some(200)])], BY).unwrap();
        assert_eq!(time.watermark, Some(40), "not idle yet");
        time.advance(&[batch(0, 1_001, &[Some(200)])], BY).unwrap();
        assert_eq!(time.watermark, Some(190));
        time.advance(&[batch(1, 1_002, &[Some(60)])], BY).unwrap();
        assert_eq!((time.watermark, time.late), (Some(190), 1));
    }

    #[test]
    fn how_ticks_are_cut_does_not_matter_to_the_watermark() {
        let batches = [batch(0, 1, &[Some(5), Some(80)]), batch(1, 2, &[Some(70)]), batch(0, 3, &[None, Some(60)])];
        let mut at_once = EventTime::default();
        at_once.advance(&[batch(0, 1, &[Some(1)]), batch(1, 1, &[Some(1)])], BY).unwrap();
        let mut apart = at_once.clone();
        at_once.advance(&batches, BY).unwrap();
        batches.iter().for_each(|batch| apart.advance(std::slice::from_ref(batch), BY).unwrap());
        assert_eq!(at_once.watermark, Some(60));
        assert_eq!(at_once.watermark, apart.watermark);
    }
}
