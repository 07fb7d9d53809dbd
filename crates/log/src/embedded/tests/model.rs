//! Random histories of appends, retries, reads, trims, growth and reopening, held against a plain model.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::LogSettings;
use super::{P0, P1, open_simulated};
use crate::conformance::build::{STREAM, append, stamped, try_read_all};
use crate::storage::simulated::SimulatedStorage;
use crate::{Append, Log, LogError, Part};
use highwater_model::PartitionId;

const PARTITIONS: [PartitionId; 3] = [P0, P1, PartitionId::REJECTS];

#[derive(Clone, Debug)]
enum Step {
    /// Records by partition; how large; whether stamped.
    Append {
        parts: Vec<(usize, u8)>,
        bytes: u16,
        stamped: bool,
    },
    /// The producer sends its latest batch again.
    Retry,
    /// Reads a partition from somewhere in the middle.
    Read {
        partition: usize,
        from_percent: u64,
        max_bytes: u16,
    },
    Trim {
        max_bytes: u16,
        keep_percent: u64,
    },
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (vec((0..3_usize, 0..5_u8), 0..4), 0..600_u16, any::<bool>())
            .prop_map(|(parts, bytes, stamped)| Step::Append { parts, bytes, stamped }),
        1 => Just(Step::Retry),
        3 => (0..3_usize, 0..=110_u64, 0..3_000_u16)
            .prop_map(|(partition, from_percent, max_bytes)| Step::Read { partition, from_percent, max_bytes }),
        1 => (0..4_000_u16, 0..=100_u64).prop_map(|(max_bytes, keep_percent)| Step::Trim { max_bytes, keep_percent }),
        1 => Just(Step::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    texts: [Vec<String>; 3],
    sequence: u64,
    latest: Option<Append>,
    number: u64,
}

impl Model {
    fn batch(&mut self, parts: &[(usize, u8)], bytes: u16, is_stamped: bool) -> Append {
        let mut batch = crate::conformance::batch(&[]);
        for (partition, count) in parts {
            let texts: Vec<String> = (0..*count)
                .map(|i| {
                    self.number += 1;
                    format!("{} {i} {}", self.number, "z".repeat(usize::from(bytes)))
                })
                .collect();
            batch.parts.push(Part { partition: PARTITIONS[*partition], records: crate::conformance::records(&texts) });
            self.texts[*partition].extend(texts);
        }
        if is_stamped {
            batch = stamped(batch, "p", self.sequence);
            self.sequence += 1;
            self.latest = Some(batch.clone());
        }
        batch
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_histories_match_the_model(
        steps in vec(step(), 1..50),
        segment_bytes in 1..6_000_u64,
        compress in any::<bool>(),
    ) {
        let storage = SimulatedStorage::new();
        let settings = LogSettings { segment_bytes, compress, cached_segments: 2, ..LogSettings::default() };
        let mut log = open_simulated(&storage, settings.clone()).unwrap();
        log.open_stream(STREAM, 2).unwrap();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Append { parts, bytes, stamped } => {
                    let firsts: Vec<u64> = PARTITIONS.iter().map(|p| log.bounds(STREAM, *p).unwrap().next).collect();
                    let before: Vec<u64> = model.texts.iter().map(|texts| texts.len() as u64).collect();
                    prop_assert_eq!(firsts, before);
                    let outcome = append(&*log, model.batch(&parts, bytes, stamped)).unwrap();
                    prop_assert!(!outcome.duplicate);
                }
                Step::Retry => {
                    if let Some(latest) = &model.latest {
                        prop_assert!(append(&*log, latest.clone()).unwrap().duplicate);
                    }
                }
                Step::Read { partition, from_percent, max_bytes } => {
                    let texts = &model.texts[partition];
                    let from = texts.len() as u64 * from_percent / 100;
                    let earliest = log.bounds(STREAM, PARTITIONS[partition]).unwrap().earliest;
                    match log.read(STREAM, PARTITIONS[partition], from, usize::from(max_bytes)) {
                        Ok(blocks) => {
                            prop_assert!(from >= earliest);
                            prop_assert_eq!(blocks.is_empty(), from >= texts.len() as u64);
                            let found = blocks.iter().flat_map(|block| block.records.iter());
                            for (record, text) in found.zip(texts.iter().skip(from as usize)) {
                                prop_assert_eq!(record, text.as_bytes());
                            }
                        }
                        Err(LogError::Truncated { .. }) => prop_assert!(from < earliest),
                        Err(error) => prop_assert!(false, "{}", error),
                    }
                }
                Step::Trim { max_bytes, keep_percent } => {
                    let ends = PARTITIONS.map(|p| log.bounds(STREAM, p).unwrap().next * keep_percent / 100);
                    let keep = |p: PartitionId| ends[PARTITIONS.iter().position(|known| *known == p).unwrap()];
                    let earliest = PARTITIONS.map(|p| log.bounds(STREAM, p).unwrap().earliest);
                    log.trim(STREAM, None, Some(u64::from(max_bytes)), &keep).unwrap();
                    for ((partition, end), before) in PARTITIONS.iter().zip(ends).zip(earliest) {
                        prop_assert!(log.bounds(STREAM, *partition).unwrap().earliest <= end.max(before));
                    }
                }
                Step::Reopen => {
                    drop(log);
                    log = open_simulated(&storage, settings.clone()).unwrap();
                }
            }
        }
        for (partition, texts) in PARTITIONS.iter().zip(&model.texts) {
            let bounds = log.bounds(STREAM, *partition).unwrap();
            prop_assert_eq!(bounds.next, texts.len() as u64);
            let found = try_read_all(&*log, *partition, bounds.earliest).unwrap();
            prop_assert_eq!(&found[..], &texts[bounds.earliest as usize..]);
        }
        prop_assert_eq!(log.verify().unwrap(), vec![]);
    }
}
