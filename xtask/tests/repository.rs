//! The repository itself is tidy. The same check as `cargo xtask tidy`, so that `cargo test` alone says so too.

use std::path::Path;

use xtask::tidy::{Policy, Severity, check};

#[test]
fn the_repository_is_tidy() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let errors: Vec<String> = check(root, &Policy::REPOSITORY)
        .unwrap()
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "to mend:\n{}", errors.join("\n"));
}
