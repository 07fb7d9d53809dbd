//! Rule `header`: every Rust file opens with `//!`, so that whoever opens it knows what it is for.

use super::finding::Finding;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources
        .iter()
        .filter(|source| !source.text.starts_with("//!"))
        .map(|source| {
            let message = "opens without `//!`: say what the file is for, who calls it, what it does not do";
            Finding::error("header", &source.path, 1, message)
        })
        .collect()
}
