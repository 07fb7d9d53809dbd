//! Rule `crate-edge`: a crate uses only the crates that the table in `policy.rs` allows it. An edge allowed but not used
//! is reported too: the table says what is, not what might be.

use super::finding::Finding;
use super::manifests::{Need, dependencies};
use super::policy::{CratePolicy, Policy};
use super::tree::{Manifest, Tree};

/// What our packages' names begin with.
const PREFIX: &str = "highwater-";

pub(super) fn check(tree: &Tree, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let members = tree.manifests.iter().filter(|manifest| !manifest.path.starts_with("fuzz/"));
    for manifest in members {
        let name = short(&manifest.package).unwrap_or(&manifest.package);
        match policy.crates.iter().find(|known| known.name == name) {
            Some(known) => findings.extend(check_manifest(manifest, known)),
            None => {
                let message =
                    format!("crate `{name}` is not in the table of xtask/src/tidy/policy.rs: add it and its level");
                findings.push(Finding::error("crate-edge", &manifest.path, 0, message));
            }
        }
    }
    findings
}

fn check_manifest(manifest: &Manifest, known: &CratePolicy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |message: String| findings.push(Finding::error("crate-edge", &manifest.path, 0, message));
    let mut used = Vec::new();
    for dependency in dependencies(manifest) {
        let Some(target) = short(dependency.package) else { continue };
        let in_tests = dependency.need == Need::Tests;
        let allowed = known.uses.contains(&target) || (in_tests && known.uses_in_tests.contains(&target));
        if !allowed {
            let place = if in_tests { " in its tests" } else { "" };
            report(format!(
                "`{}` may not use `{target}`{place}; if it must, change xtask/src/tidy/policy.rs and the table in \
                 ARCHITECTURE.md and say why",
                known.name
            ));
        }
        used.push((target, in_tests));
    }
    for &target in known.uses {
        if !used.contains(&(target, false)) {
            report(format!("`{}` no longer uses `{target}`: take the edge out of the table", known.name));
        }
    }
    for &target in known.uses_in_tests {
        if !used.contains(&(target, true)) {
            report(format!("the tests of `{}` no longer use `{target}`: take the edge out of the table", known.name));
        }
    }
    findings
}

fn short(package: &str) -> Option<&str> {
    package.strip_prefix(PREFIX)
}
