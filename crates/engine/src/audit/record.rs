//! What audits found, kept across restarts: `audits.jsonl` in the data folder, one result a line, the oldest let go. A line
//! that cannot be read (a crash cut it short, say) is left out: what was found can be found again.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use highwater_api::AuditResult;
use parking_lot::Mutex;

use crate::error::EngineError;

/// The file's name in the data folder.
const NAME: &str = "audits.jsonl";
/// Results kept.
const KEPT: usize = 1_000;

/// The results of audits, the oldest first.
#[derive(Debug)]
pub(crate) struct Record(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    path: PathBuf,
    results: VecDeque<AuditResult>,
    /// Lines of the file.
    lines: usize,
    next_id: u64,
}

impl Record {
    /// Reads what was found before.
    pub(crate) fn open(data: &Path) -> Result<Self, EngineError> {
        let path = data.join(NAME);
        let text = match fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(source) => return Err(io(&path, "reading", source)),
        };
        let (mut results, mut lines) = (VecDeque::new(), 0);
        for line in text.lines() {
            lines += 1;
            match serde_json::from_str::<AuditResult>(line) {
                Ok(result) => results.push_back(result),
                Err(error) => {
                    tracing::warn!(line = lines, %error, "a result in audits.jsonl cannot be read and is left out")
                }
            }
        }
        while results.len() > KEPT {
            results.pop_front();
        }
        let next_id = results.iter().map(|result| result.id).max().unwrap_or(0) + 1;
        // A last line that was cut short would spoil the next.
        let cut = !text.is_empty() && !text.ends_with('\n');
        let mut kept = Kept { path, results, lines, next_id };
        if cut {
            kept.rewrite()?;
        }
        Ok(Self(Mutex::new(kept)))
    }

    /// The number of the next job: above those of all that are known.
    pub(crate) fn next_job(&self) -> u64 {
        self.0.lock().results.iter().map(|result| result.job).max().unwrap_or(0) + 1
    }

    /// Gives a result its number and keeps it.
    pub(crate) fn add(&self, mut result: AuditResult) -> AuditResult {
        let mut kept = self.0.lock();
        result.id = kept.next_id;
        kept.next_id += 1;
        kept.results.push_back(result.clone());
        while kept.results.len() > KEPT {
            kept.results.pop_front();
        }
        if let Err(error) = kept.write(&result) {
            tracing::warn!(%error, "the result of an audit is not on disk; a restart will not know it");
        }
        result
    }

    /// All results, the oldest first.
    pub(crate) fn all(&self) -> Vec<AuditResult> {
        self.0.lock().results.iter().cloned().collect()
    }

    /// The last result of a relation, without the rows.
    pub(crate) fn last(&self, relation: &str) -> Option<AuditResult> {
        let kept = self.0.lock();
        let last = kept.results.iter().rev().find(|result| result.relation == relation)?;
        Some(AuditResult { differences: Vec::new(), ..last.clone() })
    }
}

impl Kept {
    fn write(&mut self, result: &AuditResult) -> Result<(), EngineError> {
        if self.lines >= 2 * KEPT {
            return self.rewrite();
        }
        let line = line(result)?;
        let write = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
            file.write_all(line.as_bytes())?;
            file.sync_data()
        };
        write().map_err(|source| io(&self.path, "writing", source))?;
        self.lines += 1;
        Ok(())
    }

    /// Writes the file anew with what is kept.
    fn rewrite(&mut self) -> Result<(), EngineError> {
        let text = self.results.iter().map(line).collect::<Result<String, _>>()?;
        let new = self.path.with_extension("jsonl.new");
        let write = || -> std::io::Result<()> {
            let mut file = File::create(&new)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&new, &self.path)
        };
        write().map_err(|source| io(&self.path, "writing", source))?;
        self.lines = self.results.len();
        Ok(())
    }
}

fn line(result: &AuditResult) -> Result<String, EngineError> {
    serde_json::to_string(result)
        .map(|line| line + "\n")
        .map_err(|error| EngineError::Io { context: "writing a result".to_owned(), source: error.into() })
}

fn io(path: &Path, what: &str, source: std::io::Error) -> EngineError {
    EngineError::Io { context: format!("{what} {}", path.display()), source }
}
