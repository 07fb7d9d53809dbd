//! Rule `features`: the dependencies of DataFusion have the same features whether the whole workspace or one crate is
//! built; otherwise cargo compiles its 250 crates twice. A warning: it costs minutes, not correctness.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use super::finding::Finding;

const OWNER: &str = "crates/sql/Cargo.toml";

/// Package and version → the sets of features it is built with (one for programs of the build, one for the target).
type Features = BTreeMap<String, BTreeSet<String>>;

pub(super) fn check(root: &Path) -> Vec<Finding> {
    let selections = (
        features(root, &["-p", "datafusion", "-e", "normal,build"]),
        features(root, &["-p", "highwater-sql"]),
        features(root, &["--workspace"]),
    );
    let (Ok(below), Ok(alone), Ok(together)) = selections else {
        let message = "`cargo tree` failed, so shared features are not checked; try `cargo metadata --locked`";
        return vec![Finding::error("features", OWNER, 0, message).as_warning()];
    };
    below
        .keys()
        .filter_map(|package| {
            let (alone, together) = (alone.get(package)?, together.get(package)?);
            let missing = alone.difference(together).next()?;
            let added = together.difference(alone).next().map_or("", String::as_str);
            let message = format!(
                "{package} is built with features [{missing}] for this crate alone and [{added}] for the workspace, so all \
                 above it is compiled twice: add the difference as a `feature-…` dependency"
            );
            Some(Finding::error("features", OWNER, 0, message).as_warning())
        })
        .collect()
}

fn features(root: &Path, selection: &[&str]) -> std::io::Result<Features> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["tree", "--locked", "--prefix", "none", "--format", "{p}|{f}"])
        .args(selection)
        .current_dir(root)
        .output()?;
    if !output.status.success() {
        return Err(std::io::Error::other("cargo tree failed"));
    }
    let mut features = Features::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if let Some((package, set)) = line.trim_end_matches(" (*)").split_once('|') {
            features.entry(package.to_owned()).or_default().insert(set.to_owned());
        }
    }
    Ok(features)
}
