//! Rule `root`: `lib.rs` and `mod.rs` only declare modules and re-export names; whoever opens one sees a table of contents.

use syn::Item;
use syn::spanned::Spanned;

use super::finding::Finding;
use super::source::SourceFile;
use super::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.sources.iter().filter(|source| !source.is_test && is_root(&source.path)).flat_map(check_source).collect()
}

fn is_root(path: &str) -> bool {
    path.ends_with("/lib.rs") || path.ends_with("/mod.rs")
}

fn check_source(source: &SourceFile) -> Vec<Finding> {
    source
        .tree
        .items
        .iter()
        .filter(|item| !only_declares(item))
        .map(|item| {
            let message = "only `mod name;` and `use` belong here: move this into a module of its own";
            Finding::error("root", &source.path, item.span().start().line, message)
        })
        .collect()
}

fn only_declares(item: &Item) -> bool {
    match item {
        Item::Use(_) | Item::ExternCrate(_) => true,
        Item::Mod(module) => module.content.is_none(),
        _ => false,
    }
}
