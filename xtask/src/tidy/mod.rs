//! Tidy: checks what no compiler checks (STYLE of this repository, see CONTRIBUTING.md). Every rule is a function from
//! the tree to findings; exceptions are listed in one file that only shrinks.

mod architecture;
mod edges;
mod exceptions;
mod features;
mod finding;
mod headers;
mod manifests;
mod names;
mod owners;
mod patience;
mod policy;
mod report;
mod roots;
mod sizes;
mod source;
#[cfg(test)]
mod tests;
mod tree;

pub use finding::{Finding, Severity};
pub use policy::{CratePolicy, Owner, Policy};
pub use report::{check, run};
