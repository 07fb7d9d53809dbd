//! Rule `architecture`: the table of crates in ARCHITECTURE.md says what `policy.rs` allows. A new edge is thereby
//! written down, with its reason, in the same commit.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::policy::{CratePolicy, Policy};
use super::tree::Tree;

const FILE: &str = "ARCHITECTURE.md";
const START: &str = "<!-- crates: checked by cargo xtask tidy -->";
const END: &str = "<!-- end of crates -->";

pub(super) fn check(tree: &Tree, policy: &Policy) -> Vec<Finding> {
    let error = |line: usize, message: String| Finding::error("architecture", FILE, line, message);
    let rows = rows(&tree.architecture);
    if rows.is_empty() {
        return vec![error(0, format!("has no table of crates between `{START}` and `{END}`"))];
    }
    let mut findings = Vec::new();
    for row in &rows {
        match policy.crates.iter().find(|known| known.name == row.name) {
            Some(known) if *row == Row::allowed(known, policy, row.line) => {}
            Some(known) => {
                let wanted = Row::allowed(known, policy, row.line);
                findings.push(error(row.line, format!("differs from policy.rs, which says: {}", wanted.written())));
            }
            None => findings.push(error(row.line, format!("`{}` is no crate of policy.rs", row.name))),
        }
    }
    for known in policy.crates.iter().filter(|known| !rows.iter().any(|row| row.name == known.name)) {
        let wanted = Row::allowed(known, policy, 0);
        findings.push(error(0, format!("the table lacks a crate: {}", wanted.written())));
    }
    findings
}

/// One row: crate, what it uses, what its tests use besides, what it owns.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    line: usize,
    name: String,
    uses: BTreeSet<String>,
    uses_in_tests: BTreeSet<String>,
    owns: BTreeSet<String>,
}

impl Row {
    fn allowed(known: &CratePolicy, policy: &Policy, line: usize) -> Self {
        let words = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let owned = policy.owners.iter().filter(|owner| owner.owners.contains(&known.name));
        Self {
            line,
            name: known.name.to_owned(),
            uses: words(known.uses),
            uses_in_tests: words(known.uses_in_tests),
            owns: owned.map(|owner| owner.dependency.to_owned()).collect(),
        }
    }

    fn written(&self) -> String {
        let cell = |names: &BTreeSet<String>| names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" ");
        format!("| `{}` | {} | {} | {} |", self.name, cell(&self.uses), cell(&self.uses_in_tests), cell(&self.owns))
    }
}

fn rows(text: &str) -> Vec<Row> {
    text.lines()
        .enumerate()
        .skip_while(|(_, line)| line.trim() != START)
        .take_while(|(_, line)| line.trim() != END)
        .filter_map(|(index, line)| {
            let cells: Vec<Vec<&str>> = line.trim().trim_matches('|').split('|').map(quoted).collect();
            let [name, uses, uses_in_tests, owns] = cells.get(..4)? else { return None };
            let words = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            Some(Row {
                line: index + 1,
                name: (*name.first()?).to_owned(),
                uses: words(uses),
                uses_in_tests: words(uses_in_tests),
                owns: words(owns),
            })
        })
        .collect()
}

/// The words of a cell that stand in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}
