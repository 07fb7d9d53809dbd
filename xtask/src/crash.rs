//! `cargo xtask crash`: the crash test of `crates/testkit` with as many kills as asked.

use std::path::Path;

use crate::TaskError;
use crate::ci::Step;

const DEFAULT_KILLS: u32 = 200;

/// Builds the binary and kills it `--kills` times under load.
pub(crate) fn run(root: &Path, options: &[&str]) -> Result<(), TaskError> {
    let mut kills = DEFAULT_KILLS;
    let mut seed = None;
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().ok_or_else(|| TaskError::Usage(format!("{option} needs a number")))?;
        let number = |what: &str| TaskError::Usage(format!("{what} takes a whole number, not {value}"));
        match *option {
            "--kills" => kills = value.parse().map_err(|_| number("--kills"))?,
            "--seed" => seed = Some(value.parse::<u64>().map_err(|_| number("--seed"))?),
            other => return Err(TaskError::Usage(format!("no such option: {other}; there are --kills and --seed"))),
        }
    }
    Step::cargo("build", &["build", "--workspace", "--all-targets", "--locked"]).run(root)?;
    let mut step = Step::cargo(
        "crash test",
        &["test", "--workspace", "--locked", "--test", "crash", "--", "--nocapture", "--test-threads=1"],
    );
    step.environment.push(("HIGHWATER_CRASH_KILLS", kills.to_string()));
    if let Some(seed) = seed {
        step.environment.push(("HIGHWATER_CRASH_SEED", seed.to_string()));
    }
    step.run(root)
}
