//! What the manifests say: the dependencies of a crate, and rule `pinned`: versions and features are written once, in the
//! workspace's manifest.

use toml::{Table, Value};

use super::finding::Finding;
use super::tree::{Manifest, Tree};

/// Dependencies whose key begins so only switch on features, so that crates shared by many are compiled once.
const FEATURE_PREFIX: &str = "feature-";

/// Where a dependency is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// In the crate itself or its build script.
    Production,
    /// In its tests.
    Tests,
}

/// One line of `[dependencies]` or its like.
#[derive(Debug)]
pub(super) struct Dependency<'a> {
    /// The package depended upon.
    pub package: &'a str,
    /// Where it is needed.
    pub need: Need,
    /// Whether version and features come from the workspace.
    pub from_workspace: bool,
}

/// The dependencies of a crate, without those that only switch on features and without the crate itself (which its
/// tests may name to switch on a feature).
pub(super) fn dependencies(manifest: &Manifest) -> Vec<Dependency<'_>> {
    let mut found = Vec::new();
    let targets = manifest.table.get("target").and_then(Value::as_table);
    let mut tables = vec![&manifest.table];
    tables.extend(targets.into_iter().flat_map(Table::values).filter_map(Value::as_table));
    for table in tables {
        for (section, need) in [
            ("dependencies", Need::Production),
            ("build-dependencies", Need::Production),
            ("dev-dependencies", Need::Tests),
        ] {
            let entries = table.get(section).and_then(Value::as_table).into_iter().flatten();
            found.extend(entries.filter_map(|(key, value)| dependency(key, value, need)));
        }
    }
    found.retain(|dependency| dependency.package != manifest.package);
    found
}

fn dependency<'a>(key: &'a str, value: &'a Value, need: Need) -> Option<Dependency<'a>> {
    if key.starts_with(FEATURE_PREFIX) {
        return None;
    }
    let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
    let from_workspace = value.get("workspace").and_then(Value::as_bool).unwrap_or(false);
    Some(Dependency { package, need, from_workspace })
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    // Fuzz targets are a workspace of their own: their tool wants it so.
    let members = tree.manifests.iter().filter(|manifest| !manifest.path.starts_with("fuzz/"));
    members
        .flat_map(|manifest| {
            dependencies(manifest).into_iter().filter(|dependency| !dependency.from_workspace).map(|dependency| {
                let package = dependency.package;
                let message =
                    format!("write `{package}.workspace = true`; version and features go to the root manifest");
                Finding::error("pinned", &manifest.path, 0, message)
            })
        })
        .collect()
}
