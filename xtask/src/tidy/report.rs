//! Runs all rules and tells what they found. Called by `cargo xtask tidy`, by `cargo xtask ci` and by the tests.

use std::path::Path;

use super::exceptions::Exceptions;
use super::finding::{Finding, Severity};
use super::policy::Policy;
use super::tree::Tree;
use super::{architecture, edges, features, headers, manifests, names, owners, patience, roots, sizes};
use crate::TaskError;

/// All findings of a tree that are not excepted, in path order.
///
/// # Errors
/// When the tree or the list of exceptions cannot be read.
pub fn check(root: &Path, policy: &Policy) -> Result<Vec<Finding>, TaskError> {
    let mut tree = Tree::read(root)?;
    let mut findings = std::mem::take(&mut tree.broken);
    for rule in [headers::check, sizes::check, roots::check, names::check, patience::check, manifests::check] {
        findings.extend(rule(&tree));
    }
    for rule in [edges::check, owners::check, architecture::check] {
        findings.extend(rule(&tree, policy));
    }
    let mut findings = Exceptions::read(root)?.apply(findings);
    findings.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    Ok(findings)
}

/// Checks this repository and prints what is found.
///
/// # Errors
/// When something is to be mended, or the tree cannot be read.
pub fn run(root: &Path) -> Result<(), TaskError> {
    let mut findings = check(root, &Policy::REPOSITORY)?;
    findings.extend(features::check(root));
    for finding in &findings {
        println!("{finding}");
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors > 0 {
        return Err(TaskError::Untidy { errors });
    }
    println!("tidy: nothing to mend, {} warnings", findings.len());
    Ok(())
}
