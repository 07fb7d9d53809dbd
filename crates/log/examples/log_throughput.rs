//! Prints how many records a second become durable, and with how many flushes: `log_throughput [batch KiB] [seconds]`.
//! For a quick look at one machine; `highwater bench` measures the whole way.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use highwater_log::{Append, EmbeddedLog, Log, LogSettings, Part};
use highwater_model::{ObjectId, PartitionId, RecordsBuilder, SystemClock};

const STREAM: ObjectId = ObjectId(1);
const IN_FLIGHT: usize = 8;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap());
    let batch_bytes = arguments.next().unwrap_or(256) * 1024;
    let duration = Duration::from_secs(arguments.next().unwrap_or(5));
    let folder = tempfile::tempdir_in(".").unwrap();
    for compress in [true, false] {
        let settings = LogSettings { compress, ..LogSettings::default() };
        let log =
            EmbeddedLog::open(&folder.path().join(compress.to_string()), settings, Arc::new(SystemClock)).unwrap();
        log.open_stream(STREAM, 1).unwrap();
        let mut builder = RecordsBuilder::default();
        let mut number = 0_u64;
        while (builder.len() as u64) * 80 < batch_bytes {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let text = format!(
                r#"{{"source":"watch","uuid":{:>10},"steps":{:>5},"ts":"2026-01-01T00:00:00Z"}}"#,
                number % 1_000_000,
                number % 10_000
            );
            assert!(builder.push(text.as_bytes()));
        }
        let records = builder.finish();
        let (start, before) = (Instant::now(), log.progress());
        let (mut waiting, mut batches) = (VecDeque::new(), 0_u64);
        while start.elapsed() < duration {
            let parts = vec![Part { partition: PartitionId(0), records: records.clone() }];
            waiting.push_back(log.append(Append { stream: STREAM, ingested_at_micros: 0, stamp: None, parts }));
            batches += 1;
            if waiting.len() >= IN_FLIGHT {
                block_on(waiting.pop_front().unwrap()).unwrap();
            }
        }
        for append in waiting {
            block_on(append).unwrap();
        }
        let seconds = start.elapsed().as_secs_f64();
        let stored = batches * records.len() as u64;
        println!(
            "compress {compress}: {:.0} records/s, {:.1} MB/s, {} flushes, {} bytes on disk for {} of records",
            stored as f64 / seconds,
            (batches * records.bytes().len() as u64) as f64 / seconds / 1e6,
            log.progress() - before,
            log.size(STREAM).unwrap().bytes,
            batches * records.bytes().len() as u64,
        );
    }
}
