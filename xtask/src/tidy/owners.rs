//! Rule `owner`: a heavy dependency has one owner (few, where it cannot be otherwise); others reach it through the owner.

use super::finding::Finding;
use super::manifests::{Need, dependencies};
use super::policy::Policy;
use super::tree::Tree;

pub(super) fn check(tree: &Tree, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    for manifest in &tree.manifests {
        let name = manifest.package.strip_prefix("highwater-").unwrap_or(&manifest.package);
        for dependency in dependencies(manifest) {
            let Some(owned) = policy.owners.iter().find(|owned| owned.dependency == dependency.package) else {
                continue;
            };
            let in_tests = dependency.need == Need::Tests && owned.in_tests.contains(&name);
            if !owned.owners.contains(&name) && !in_tests {
                let message = format!(
                    "`{}` belongs to {}: reach it through them",
                    owned.dependency,
                    owned.owners.iter().map(|owner| format!("`{owner}`")).collect::<Vec<_>>().join(", ")
                );
                findings.push(Finding::error("owner", &manifest.path, 0, message));
            }
        }
    }
    findings
}
