//! The tree against a sorted set: counts before places, n-th keys, changes in batches of any size.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

type Keys = BTreeSet<Vec<u8>>;

fn build(keys: &Keys) -> Tree {
    Tree::from_sorted(keys.iter().map(Vec::as_slice))
}

/// Toggles keys: those that are there go, the others come.
fn toggle(tree: &mut Tree, keys: &mut Keys, toggled: &Keys) {
    let changes: Vec<KeyChange<'_>> = toggled.iter().map(|key| KeyChange { key, comes: !keys.contains(key) }).collect();
    let patch = tree.prepare(&changes).unwrap();
    drop(tree.apply(patch));
    for key in toggled {
        if !keys.remove(key) {
            keys.insert(key.clone());
        }
    }
}

fn all(tree: &Tree) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    tree.read(0..tree.len(), |key| found.push(key.to_vec()));
    found
}

fn agree(tree: &Tree, keys: &Keys, probes: &[Vec<u8>]) -> Result<(), TestCaseError> {
    prop_assert_eq!(tree.len(), keys.len());
    prop_assert_eq!(all(tree), keys.iter().cloned().collect::<Vec<_>>());
    for probe in probes {
        let before = keys.iter().filter(|key| *key < probe).count();
        let after = keys.iter().filter(|key| *key < probe || key.starts_with(probe)).count();
        prop_assert_eq!(tree.count_before(Bound::Before(probe)), before);
        prop_assert_eq!(tree.count_before(Bound::After(probe)), after);
        let mut some = Vec::new();
        tree.read(before..before + 3, |key| some.push(key.to_vec()));
        prop_assert_eq!(some, keys.iter().skip(before).take(3).cloned().collect::<Vec<_>>());
    }
    let (leaves, counted) = tree.blocks.iter().fold((0, 0), |(leaves, keys), block| {
        (leaves + block.leaves.len(), keys + block.leaves.iter().map(Leaf::len).sum::<usize>())
    });
    prop_assert_eq!(counted, tree.len());
    prop_assert!(tree.blocks.iter().all(|block| block.leaves.len() <= MOST_LEAVES && !block.leaves.is_empty()));
    prop_assert!(leaves == 0 || tree.bytes() >= counted);
    Ok(())
}

/// Keys of few letters, some long, so that starts are shared and the heads of leaves are equal.
fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(0_u8..4, 0..6),
        prop::collection::vec(prop_oneof![Just(0_u8), Just(255)], 15..19),
        (prop::collection::vec(0_u8..3, 0..3)).prop_map(|end| [vec![7; 20], end].concat()),
        any::<u16>().prop_map(|number| number.to_be_bytes().to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn agrees_with_a_sorted_set(
        first in prop::collection::btree_set(key(), 0..300),
        batches in prop::collection::vec(prop::collection::btree_set(key(), 0..200), 0..8),
        probes in prop::collection::vec(key(), 1..20),
    ) {
        let mut keys = first;
        let mut tree = build(&keys);
        agree(&tree, &keys, &probes)?;
        for batch in batches {
            toggle(&mut tree, &mut keys, &batch);
            agree(&tree, &keys, &probes)?;
        }
        let rest = keys.clone();
        toggle(&mut tree, &mut keys, &rest);
        prop_assert!(tree.blocks.is_empty() && tree.leaf_bytes == 0);
    }
}

/// So many keys that blocks split, then go one by one in another order, so that leaves and blocks join.
#[test]
fn blocks_split_and_join() {
    let number = |n: u64| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).to_be_bytes().to_vec();
    let (mut tree, mut keys) = (Tree::default(), Keys::new());
    for round in 0..40_u64 {
        toggle(&mut tree, &mut keys, &(round * 2_000..(round + 1) * 2_000).map(number).collect());
    }
    assert!(tree.blocks.len() > 2, "{} blocks", tree.blocks.len());
    agree(&tree, &keys, &[number(3), number(70_000)]).unwrap();
    let per_key = tree.bytes() as f64 / tree.len() as f64;
    assert!(per_key < 8.0 + 24.0, "{per_key} bytes a key of 8");
    for round in 0..39_u64 {
        toggle(&mut tree, &mut keys, &(0..2_000).map(|n| number(n * 40 + round)).collect());
    }
    agree(&tree, &keys, &[number(3), number(70_000)]).unwrap();
    assert_eq!(tree.len(), 2_000);
    assert_eq!(tree.blocks.len(), 1);
}

#[test]
fn what_does_not_fit_is_refused() {
    let tree = build(&Keys::from([vec![1], vec![3]]));
    let change = |key: &'static [u8], comes| tree.prepare(&[KeyChange { key, comes }]);
    assert!(change(&[3], true).is_err());
    assert!(change(&[2], false).is_err());
    assert!(change(&[0], false).is_err());
    assert!(change(&[2], true).is_ok());
    assert!(Tree::default().prepare(&[KeyChange { key: &[1], comes: false }]).is_err());
}
