//! Random work against a model that only counts: whatever the order of appends, compactions, rewrites, vacuums and
//! reopenings, the table holds each event below what it covers once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use highwater_archive::{Archive, ArchiveSettings};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use proptest::prelude::*;

use super::fixture::{append, holds, range, settings, spec};

#[derive(Clone, Debug)]
enum Step {
    /// Rows for some of three partitions.
    Append([u64; 3]),
    /// The same rows again, which is refused.
    Repeat(u32),
    Compact,
    Rewrite,
    Vacuum,
    Reopen,
    /// By a second table that has not seen what the first did.
    AppendByAnother(u32, u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => [0_u64..40, 0_u64..9, 0_u64..3].prop_map(Step::Append),
        1 => (0_u32..3).prop_map(Step::Repeat),
        2 => Just(Step::Compact),
        1 => Just(Step::Rewrite),
        1 => Just(Step::Vacuum),
        1 => Just(Step::Reopen),
        1 => (0_u32..3, 1_u64..10).prop_map(|(partition, rows)| Step::AppendByAnother(partition, rows)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_table_holds_what_it_covers(steps in prop::collection::vec(step(), 1..25), target in 2_000_u64..20_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(run(steps, target));
    }
}

async fn run(steps: Vec<Step>, target_file_bytes: u64) {
    let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let open = || Archive::on_store(store.clone(), ArchiveSettings { target_file_bytes, ..settings("") });
    let archive = open();
    let mut table = archive.table(spec()).await.unwrap();
    let another = archive.table(spec()).await.unwrap();
    let mut model: BTreeMap<u32, u64> = BTreeMap::new();
    for step in steps {
        match step {
            Step::Append(counts) => {
                let ranges: Vec<_> = (0..3)
                    .zip(counts)
                    .filter(|(_, count)| *count > 0)
                    .map(|(partition, count)| {
                        let first = model.get(&partition).copied().unwrap_or(0);
                        range(partition, first, first + count)
                    })
                    .collect();
                append(&table, &ranges).await.unwrap();
                model.extend(ranges.iter().map(|range| (range.partition.0, range.next)));
            }
            Step::Repeat(partition) => {
                if let Some(next) = model.get(&partition) {
                    assert!(append(&table, &[range(partition, next - 1, *next)]).await.is_err());
                }
            }
            Step::AppendByAnother(partition, count) => {
                let first = model.get(&partition).copied().unwrap_or(0);
                another.refresh().await.unwrap();
                append(&another, &[range(partition, first, first + count)]).await.unwrap();
                model.insert(partition, first + count);
                table.refresh().await.unwrap();
            }
            Step::Compact => drop(table.compact().await.unwrap()),
            Step::Rewrite => table.rewrite(spec(), &Ok, &|_, _| {}).await.unwrap(),
            Step::Vacuum => drop(table.vacuum(Duration::ZERO).await.unwrap()),
            Step::Reopen => table = open().table(spec()).await.unwrap(),
        }
        let covered: Vec<(u32, u64)> = model.iter().map(|(partition, next)| (*partition, *next)).collect();
        holds(&archive, &table, &covered).await;
    }
}
