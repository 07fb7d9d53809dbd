//! Multisets of many keys against a tree, after every step.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::multiset::{End, Multiset};

/// Adds and removes keys of a range, more often adding while `grow`, more often removing otherwise.
fn steps() -> impl Strategy<Value = Vec<(u16, i64)>> {
    let phase = (1..2000_u16, any::<bool>(), 1..400_usize);
    let phases = proptest::collection::vec(phase, 1..6);
    (phases, any::<u64>()).prop_map(|(phases, mut seed)| {
        let mut next = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut steps = Vec::new();
        for (range, grow, count) in phases {
            for _ in 0..count {
                let adds = next(10) < if grow { 8 } else { 1 };
                let weight = 1 + (next(4) / 3) as i64;
                steps.push((next(u64::from(range)) as u16, if adds { weight } else { -weight }));
            }
        }
        steps
    })
}

fn check(set: &Multiset<u16>, tree: &BTreeMap<u16, i64>) {
    assert!(set.iter().map(|(key, count)| (*key, count)).eq(tree.iter().map(|(key, count)| (*key, *count))));
    assert_eq!(set.len(), tree.len());
    assert_eq!(set.first(), tree.first_key_value().map(|(key, _)| key));
    assert_eq!(set.last(), tree.last_key_value().map(|(key, _)| key));
    assert_eq!(set.total(), tree.values().sum::<i64>());
    let most = tree.values().max();
    let mut modes = tree.iter().filter(|(_, count)| Some(*count) == most).map(|(key, _)| key);
    assert_eq!(set.most_frequent(End::Last), modes.clone().next_back());
    assert_eq!(set.most_frequent(End::First), modes.next());
    if tree.values().all(|count| *count > 0) {
        let expected: Vec<u16> =
            tree.iter().flat_map(|(key, count)| std::iter::repeat_n(*key, *count as usize)).collect();
        let last = expected.len() as i64;
        for rank in [0, 1, last / 3, last / 2, last - 1] {
            let at = usize::try_from(rank).ok().and_then(|rank| expected.get(rank));
            assert_eq!(set.nth(rank), at, "rank {rank} of {last}");
        }
        assert_eq!(set.nth(last), None);
    }
}

proptest! {
    #[test]
    fn a_multiset_is_a_tree_of_counts(steps in steps(), only_valid: bool) {
        let (mut set, mut tree) = (Multiset::default(), BTreeMap::new());
        for (number, (key, mut weight)) in steps.into_iter().enumerate() {
            let before = tree.get(&key).copied().unwrap_or(0);
            if only_valid {
                weight = weight.max(-before);
            }
            let change = set.add(&key, weight, |key| *key);
            if weight != 0 {
                prop_assert_eq!((change.before, change.after), (before, before + weight));
            }
            if before + weight == 0 {
                tree.remove(&key);
            } else {
                tree.insert(key, before + weight);
            }
            if number % 16 == 0 {
                check(&set, &tree);
            }
        }
        check(&set, &tree);
        // Not more than a few times what the keys need, however they came and went.
        prop_assert!(set.heap() <= 1024 + 8 * 16 * tree.len().max(32), "{} bytes for {} keys", set.heap(), tree.len());
        for key in tree.keys() {
            set.add(key, -tree[key], |key| *key);
        }
        // Room for a few keys may stay.
        prop_assert_eq!(set.len(), 0);
        prop_assert!(set.heap() <= 512, "{} bytes for nothing", set.heap());
    }
}
