//! The command line of `cargo xtask`.

use std::path::{Path, PathBuf};

use crate::{TaskError, ci, crash, tidy};

const HELP: &str = "\
cargo xtask ci               every check: format, tidy, lints, build, tests, oracle, API fuzzing
cargo xtask tidy             what no compiler checks: headers, sizes, names, crate edges, owners of dependencies
cargo xtask crash [--kills N] [--seed S]
                             kills the server N times (200 unless told) and checks that nothing was lost or doubled";

/// Runs the task that the arguments name.
///
/// # Errors
/// When the task is unknown or fails; the message says what to do.
pub fn run(arguments: &[String]) -> Result<(), TaskError> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci"] => ci::run(&repository()),
        ["tidy"] => tidy::run(&repository()),
        ["crash", options @ ..] => crash::run(&repository(), options),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(TaskError::Usage(format!("no such task: {}\n{HELP}", words.join(" ")))),
    }
}

/// The repository's root: where this crate's folder lies. Cargo says so when it runs this program; what was true when
/// it was compiled may be another checkout that shares the folder of build output.
fn repository() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    here.parent().map_or_else(|| here.clone(), Path::to_owned)
}
