//! Every rule on tiny trees: what it reports, and what it leaves alone.

use std::path::Path;

use tempfile::TempDir;

use super::finding::{Finding, Severity};
use super::policy::{CratePolicy, Owner, Policy};
use super::report::check;

const POLICY: Policy = Policy {
    crates: &[
        CratePolicy { name: "model", uses: &[], uses_in_tests: &[] },
        CratePolicy { name: "sql", uses: &["model"], uses_in_tests: &[] },
    ],
    owners: &[Owner { dependency: "datafusion", owners: &["sql"], in_tests: &[] }],
};

const ARCHITECTURE: &str = "\
<!-- crates: checked by cargo xtask tidy -->
| crate | uses | in tests | owns |
|---|---|---|---|
| `model` | | | |
| `sql` | `model` | | `datafusion` |
<!-- end of crates -->
";

const MODEL: &str = "[package]\nname = \"highwater-model\"\n";
const SQL: &str = "\
[package]
name = \"highwater-sql\"
[dependencies]
highwater-model.workspace = true
datafusion.workspace = true
feature-libc = { package = \"libc\", version = \"0.2\" }
";

/// A tree that follows every rule, with some files put in or replaced.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let sound = [
        ("ARCHITECTURE.md", ARCHITECTURE),
        ("crates/model/Cargo.toml", MODEL),
        ("crates/model/src/lib.rs", "//! Words.\n\nmod word;\n\npub use word::Word;\n"),
        ("crates/model/src/word.rs", "//! A word.\n\n/// A word.\npub struct Word;\n"),
        ("crates/sql/Cargo.toml", SQL),
        ("crates/sql/src/lib.rs", "//! SQL.\n"),
    ];
    for (path, text) in sound.iter().chain(files) {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    check(tree(files).path(), &POLICY).unwrap()
}

/// `rule path:line` of every finding.
fn places(files: &[(&str, &str)]) -> Vec<String> {
    findings(files).iter().map(|f| format!("{} {}:{}", f.rule, f.path, f.line)).collect()
}

const FILE: &str = "crates/model/src/word.rs";

#[test]
fn a_sound_tree_has_no_findings() {
    assert_eq!(findings(&[]), []);
}

#[test]
fn files_open_with_a_header() {
    assert_eq!(places(&[(FILE, "// no header\n")]), [format!("header {FILE}:1")]);
    assert_eq!(places(&[(FILE, "\n//! too late\n")]), [format!("header {FILE}:1")]);
}

#[test]
fn files_that_do_not_parse_are_reported() {
    assert_eq!(places(&[(FILE, "//! x\nfn {")]), [format!("parse {FILE}:0")]);
    assert_eq!(places(&[("fuzz/Cargo.toml", "[")]), ["parse fuzz/Cargo.toml:0"]);
}

fn lines(count: usize) -> String {
    (0..count).map(|n| format!("const C{n}: u8 = 0;\n")).collect()
}

#[test]
fn files_are_warned_about_and_stopped_by_their_lines_of_code() {
    assert_eq!(findings(&[(FILE, &format!("//! x\n{}", lines(400)))]), []);
    let warned = findings(&[(FILE, &format!("//! x\n{}", lines(401)))]);
    assert_eq!((warned.len(), warned[0].severity), (1, Severity::Warning));
    let stopped = findings(&[(FILE, &format!("//! x\n{}", lines(601)))]);
    assert_eq!((stopped[0].severity, stopped[0].measure), (Severity::Error, Some(601)));
    let blanks_and_tests = format!("//! x\n{}\n// why\n#[cfg(test)]\nmod tests {{\n{}}}\n", lines(400), lines(300));
    assert_eq!(findings(&[(FILE, &blanks_and_tests)]), []);
    assert_eq!(findings(&[("crates/model/src/tests.rs", &format!("//! x\n{}", lines(700)))]), []);
}

#[test]
fn functions_stop_at_eighty_lines() {
    let function = |head: &str, count: usize| format!("{head} {{\n{}}}\n", "let _ = 0;\n".repeat(count));
    assert_eq!(findings(&[(FILE, &format!("//! x\n{}", function("fn f()", 78)))]), []);
    assert_eq!(places(&[(FILE, &format!("//! x\n{}", function("fn f()", 79)))]), [format!("function-size {FILE}:2")]);
    let method = format!("//! x\nstruct S;\nimpl S {{\n{}}}\n", function("fn f()", 79));
    assert_eq!(places(&[(FILE, &method)]), [format!("function-size {FILE}:4")]);
    assert_eq!(findings(&[(FILE, &format!("//! x\n#[test]\n{}", function("fn f()", 200)))]), []);
}

#[test]
fn roots_only_declare() {
    let root = "//! x\nmod word;\npub use word::Word;\n#[cfg(test)]\nmod tests;\npub fn f() {}\nmod inline {}\n";
    let path = "crates/model/src/lib.rs";
    assert_eq!(places(&[(path, root)]), [format!("root {path}:6"), format!("root {path}:7")]);
}

#[test]
fn names_say_something() {
    assert_eq!(
        places(&[
            ("crates/model/src/utils.rs", "//! x\n"),
            ("crates/model/src/v2/mod.rs", "//! x\n"),
            (FILE, "//! x\nmod helpers {}\n"),
        ]),
        ["name crates/model/src/utils.rs:0", "name crates/model/src/v2/mod.rs:0", &format!("name {FILE}:2")]
    );
}

#[test]
fn no_test_is_ignored_and_none_sleeps() {
    let test = "crates/model/tests/it.rs";
    let text = "//! x\n#[test]\n#[ignore]\nfn f() { std::thread::sleep(d); }\n#[cfg_attr(unix, ignore)]\nfn g() {}\n";
    assert_eq!(
        places(&[(test, text)]),
        [format!("ignored-test {test}:3"), format!("sleep {test}:4"), format!("ignored-test {test}:5")]
    );
    let in_macro =
        "//! x\n#[cfg(test)]\nmod tests {\n  fn f() { select! { _ = sleep(d) => {} } }\n}\nfn g() { sleep(d) }\n";
    assert_eq!(places(&[(FILE, in_macro)]), [format!("sleep {FILE}:4")]);
}

#[test]
fn versions_are_pinned_in_the_workspace() {
    let manifest = format!("{SQL}chrono = \"0.4\"\n[dev-dependencies]\nhighwater-sql = {{ path = \".\" }}\n");
    assert_eq!(places(&[("crates/sql/Cargo.toml", &manifest)]), ["pinned crates/sql/Cargo.toml:0"]);
}

#[test]
fn edges_are_those_of_the_table() {
    let upwards = format!("{MODEL}[dependencies]\nhighwater-sql.workspace = true\n");
    let found = findings(&[("crates/model/Cargo.toml", &upwards)]);
    assert!(found[0].message.contains("`model` may not use `sql`"), "{found:?}");
    let unused = SQL.replace("highwater-model.workspace = true\n", "");
    let found = findings(&[("crates/sql/Cargo.toml", &unused)]);
    assert!(found[0].message.contains("no longer uses `model`"), "{found:?}");
    let stranger = findings(&[("crates/new/Cargo.toml", "[package]\nname = \"highwater-new\"\n")]);
    assert!(stranger[0].message.contains("not in the table"), "{stranger:?}");
}

#[test]
fn heavy_dependencies_have_owners() {
    for section in ["dependencies", "dev-dependencies", "target.'cfg(unix)'.dependencies"] {
        let manifest = format!("{MODEL}[{section}]\ndatafusion.workspace = true\n");
        assert_eq!(places(&[("crates/model/Cargo.toml", &manifest)]), ["owner crates/model/Cargo.toml:0"], "{section}");
    }
}

#[test]
fn the_architecture_agrees() {
    let missing = findings(&[("ARCHITECTURE.md", "nothing")]);
    assert!(missing[0].message.contains("no table"), "{missing:?}");
    let differing = ARCHITECTURE.replace("| `sql` | `model` |", "| `sql` | `views` |");
    assert_eq!(places(&[("ARCHITECTURE.md", &differing)]), ["architecture ARCHITECTURE.md:5"]);
    let lacking = ARCHITECTURE.replace("| `model` | | | |\n", "");
    assert_eq!(places(&[("ARCHITECTURE.md", &lacking)]), ["architecture ARCHITECTURE.md:0"]);
}

fn exception(rule: &str, measure: &str, reason: &str) -> String {
    format!("[[exception]]\nrule = \"{rule}\"\npath = \"{FILE}\"\n{measure}\nreason = \"{reason}\"\n")
}

#[test]
fn exceptions_only_shrink() {
    const LIST: &str = "xtask/exceptions.toml";
    let long = format!("//! x\n{}", lines(601));
    assert_eq!(findings(&[(FILE, &long), (LIST, &exception("file-size", "measure = 601", "why"))]), []);
    let grown = findings(&[(FILE, &long), (LIST, &exception("file-size", "measure = 600", "why"))]);
    assert_eq!(grown.len(), 2, "{grown:?}");
    let shrunk = findings(&[(FILE, &long), (LIST, &exception("file-size", "measure = 602", "why"))]);
    assert!(shrunk[0].message.contains("write measure = 601"), "{shrunk:?}");
    let unused = findings(&[(LIST, &exception("sleep", "", "why"))]);
    assert!(unused[0].message.contains("take it out"), "{unused:?}");
    let silent = findings(&[(FILE, "fn f() {}\n"), (LIST, &exception("header", "", " "))]);
    assert!(silent[0].message.contains("has no reason"), "{silent:?}");
    assert!(check(tree(&[(LIST, "exceptions = 1\n")]).path(), &POLICY).is_err());
}

#[test]
fn the_policy_has_no_cycles() {
    for policy in [Policy::REPOSITORY, POLICY] {
        for (index, known) in policy.crates.iter().enumerate() {
            for used in known.uses {
                assert!(
                    policy.crates[..index].iter().any(|lower| lower.name == *used),
                    "{} uses {used}, which is not listed before it",
                    known.name
                );
            }
        }
    }
}

#[test]
fn a_missing_folder_is_an_empty_tree() {
    let found = check(Path::new("/nowhere/at/all"), &POLICY).unwrap();
    assert!(found.iter().all(|finding| finding.rule == "architecture"), "{found:?}");
}
