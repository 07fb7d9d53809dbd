//! The list of exceptions, `xtask/exceptions.toml`. It only shrinks: an exception that nothing needs any more is an
//! error, and one about a size allows exactly the size that is there.

use std::path::Path;

use serde::Deserialize;

use super::finding::{Finding, Severity};
use crate::TaskError;

/// Where the list is.
pub(super) const FILE: &str = "xtask/exceptions.toml";

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exceptions {
    /// The exceptions.
    #[serde(default, rename = "exception")]
    list: Vec<Exception>,
}

/// One exception.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// The rule that is not followed.
    rule: String,
    /// In which file.
    path: String,
    /// For rules about sizes: how large it is now.
    measure: Option<usize>,
    /// Why it cannot be mended now.
    reason: String,
}

impl Exceptions {
    /// Reads the list below a root; none is an empty list.
    pub(super) fn read(root: &Path) -> Result<Self, TaskError> {
        let path = root.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(&path).map_err(|source| TaskError::Read { path, source })?;
        toml::from_str(&text).map_err(|error| TaskError::Malformed { file: FILE.to_owned(), reason: error.to_string() })
    }

    /// Takes away what is excepted; adds what is wrong with the exceptions themselves.
    pub(super) fn apply(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut used = vec![0_usize; self.list.len()];
        let mut largest = vec![None; self.list.len()];
        let mut kept: Vec<Finding> = findings
            .into_iter()
            .filter(|finding| {
                let found = self.list.iter().position(|exception| exception.covers(finding));
                if let Some(index) = found {
                    used[index] += 1;
                    largest[index] = largest[index].max(finding.measure);
                }
                found.is_none()
            })
            .collect();
        for ((exception, used), largest) in self.list.iter().zip(used).zip(largest) {
            let place = format!("{} in {}", exception.rule, exception.path);
            let mut report = |message: String| kept.push(Finding::error("exception", FILE, 0, message));
            if used == 0 {
                report(format!("nothing needs the exception for {place}: take it out"));
            } else if largest < exception.measure {
                report(format!("{place} has shrunk: write measure = {}", largest.unwrap_or_default()));
            }
            if exception.reason.trim().is_empty() {
                report(format!("the exception for {place} has no reason: say why it cannot be mended"));
            }
        }
        kept
    }
}

impl Exception {
    fn covers(&self, finding: &Finding) -> bool {
        finding.severity == Severity::Error
            && finding.rule == self.rule
            && finding.path == self.path
            && finding.measure <= self.measure.or((finding.measure.is_none()).then_some(usize::MAX))
    }
}
