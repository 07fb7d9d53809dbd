//! `cargo xtask ci`: every check there is, in order, with the time each took. `make test` and CI run this and nothing else.
//!
//! Build and tests use one selection of packages and targets (`--workspace --all-targets`), so that features unify alike
//! and no dependency is compiled twice; lints need metadata only, which costs a second, cheaper pass.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::{TaskError, tidy};

/// A command that is one check.
#[derive(Debug)]
pub(crate) struct Step {
    /// What it is for, in words.
    pub name: &'static str,
    /// Program and arguments.
    pub words: Vec<String>,
    /// Variables set besides.
    pub environment: Vec<(&'static str, String)>,
}

impl Step {
    fn new(name: &'static str, words: &[&str]) -> Self {
        Self { name, words: words.iter().map(|&word| word.to_owned()).collect(), environment: Vec::new() }
    }

    /// A step that cargo runs.
    pub(crate) fn cargo(name: &'static str, words: &[&str]) -> Self {
        let mut step = Self::new(name, &["cargo"]);
        step.words.extend(words.iter().map(|&word| word.to_owned()));
        step
    }

    /// Says what it does and does it.
    pub(crate) fn run(&self, root: &Path) -> Result<(), TaskError> {
        println!("\n== {} ({})", self.name, self.words.join(" "));
        let (program, arguments) = self.words.split_first().ok_or_else(|| TaskError::Usage("an empty step".into()))?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root);
        // `cargo xtask` leaves its own package's variables behind. Build scripts that watch them (ring's) would run again,
        // and everything above them compile again, each time a build by hand follows one from here.
        for (name, _) in std::env::vars_os() {
            let left_by_cargo = name.to_str().is_some_and(|name| {
                name.starts_with("CARGO_PKG_") || matches!(name, "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH")
            });
            if left_by_cargo {
                command.env_remove(name);
            }
        }
        let status = command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .status()
            .map_err(|source| TaskError::Start { program: program.clone(), source })?;
        if status.success() {
            return Ok(());
        }
        Err(TaskError::Step { step: self.name.to_owned(), again: self.words.join(" ") })
    }
}

fn steps() -> Vec<Step> {
    vec![
        Step::cargo("lints", &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]),
        Step::cargo("build", &["build", "--workspace", "--all-targets", "--locked"]),
        Step::new("test tools (Python)", &["scripts/setup-tests"]),
        Step::cargo("tests", &["test", "--workspace", "--locked"]),
        Step::new("SQL corpus against an independent database", &["scripts/oracle"]),
        Step::new("HTTP door against its own description", &["scripts/schemathesis"]),
        Step::new("pages in a browser", &["scripts/pages"]),
    ]
}

/// Runs every check; stops at the first that fails.
pub(crate) fn run(root: &Path) -> Result<(), TaskError> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut timed = |name: &'static str, check: &dyn Fn() -> Result<(), TaskError>| {
        let started = Instant::now();
        let outcome = check();
        times.push((name, started.elapsed()));
        outcome
    };
    let outcome = (|| {
        timed("format", &|| Step::cargo("format", &["fmt", "--all", "--check"]).run(root))?;
        println!("\n== tidy (cargo xtask tidy)");
        timed("tidy", &|| tidy::run(root))?;
        steps().iter().try_for_each(|step| timed(step.name, &|| step.run(root)))
    })();
    println!("\n== time");
    for (name, time) in &times {
        println!("{:>8.1} s  {name}", time.as_secs_f64());
    }
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    println!("{:>8.1} s  together", total.as_secs_f64());
    outcome
}
