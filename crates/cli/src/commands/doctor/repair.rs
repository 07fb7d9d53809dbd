//! The repairs: damaged checkpoints are set aside at once, for they are a cache; damaged records are given up only after
//! saying which and being told to.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};

use highwater_api::ApiError;
use highwater_engine::{DataFolder, Inspection, Remedy};

use super::text;
use crate::failure::Failure;

/// What was done, in sentences.
#[derive(Debug, Default)]
pub(super) struct Repairs {
    pub(super) done: Vec<String>,
    /// Why something was left as it is, if it was.
    pub(super) refused: Option<String>,
}

/// Who says that records may be given up.
pub(super) struct Consent {
    yes: bool,
}

impl Consent {
    /// `yes` as typed; without, a terminal is asked.
    pub(super) fn new(yes: bool) -> Self {
        Self { yes }
    }

    /// Says what is lost, and asks.
    fn to_lose(&self, lost: &str) -> Result<bool, Failure> {
        let failed = |error| Failure::io("cannot ask for a confirmation", error);
        let mut terminal = std::io::stderr().lock();
        writeln!(
            terminal,
            "these records cannot be read any more; giving them up lets their streams go on without them, and views keep \
             what they counted of them until they are computed again:\n{lost}"
        )
        .map_err(failed)?;
        if self.yes || !std::io::stdin().is_terminal() {
            return Ok(self.yes);
        }
        write!(terminal, "give them up? Type yes: ").and_then(|()| terminal.flush()).map_err(failed)?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map_err(failed)?;
        Ok(answer.trim() == "yes")
    }
}

/// Does what the findings ask for.
pub(super) fn repair(folder: &DataFolder, found: &Inspection, consent: &Consent) -> Result<Repairs, Failure> {
    let mut repairs = Repairs::default();
    for (from, to) in folder.set_aside(found).map_err(ApiError::from)? {
        repairs.done.push(format!("set aside {} as {}", from.display(), to.display()));
    }
    // By stream: a log is given up as a whole or not at all.
    let mut damaged: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for finding in &found.findings {
        if let Remedy::GiveUp(stream) = finding.remedy {
            damaged.entry(stream).or_default().push(finding);
        }
    }
    if damaged.is_empty() {
        return Ok(repairs);
    }
    let lost: Vec<String> = damaged.values().flatten().map(|finding| text::given_up(finding)).collect();
    if !consent.to_lose(&lost.join("\n"))? {
        repairs.refused = Some("no records were given up: restore the files, or add --yes to --repair".to_owned());
        return Ok(repairs);
    }
    for stream in damaged.into_keys() {
        for aside in folder.give_up(stream).map_err(ApiError::from)? {
            repairs.done.push(format!("gave up damaged bytes; a copy of them is in {}", aside.display()));
        }
    }
    Ok(repairs)
}
