//! Settings as the program uses them: typed, checked against each other.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use highwater_engine::{MemoryLimit, Schedule};
use highwater_model::{Diagnostic, Diagnostics};

use super::raw::{Flags, RawSettings};
use crate::failure::Failure;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it is text or json".to_owned()),
        }
    }
}

/// Where streams are archived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ArchivePlace {
    /// In the data folder.
    Here,
    /// Nowhere.
    Nowhere,
    /// In this folder, or on this object store.
    At(String),
}

impl FromStr for ArchivePlace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.trim() {
            "on" | "true" => Ok(Self::Here),
            "off" | "none" | "false" => Ok(Self::Nowhere),
            "" => Err("it is on, off, a folder or s3://bucket/path".to_owned()),
            place => Ok(Self::At(place.to_owned())),
        }
    }
}

/// Options of an object store: `name=value`, commas between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreOptions(pub BTreeMap<String, String>);

impl FromStr for StoreOptions {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
        let option = |pair: &str| match pair.split_once('=') {
            Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
            None => Err(format!("{pair} has no =")),
        };
        pairs.map(option).collect::<Result<_, _>>().map(Self)
    }
}

/// A length of time, written like `90 s` or `5 min`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        highwater_engine::duration(text).map(Self)
    }
}

/// The settled settings. Meanings: [`super::KEYS`].
#[derive(Clone, Debug)]
pub struct Settings {
    /// Data folder.
    pub data: PathBuf,
    /// Where the server listens.
    pub listen: SocketAddr,
    /// Whether other machines may come without sign-in.
    pub allow_anonymous: bool,
    /// The server that commands talk to.
    pub to: String,
    /// Folder of the user's own apps.
    pub apps: PathBuf,
    /// Threads of the dataflow; 0: one for each core.
    pub threads: usize,
    /// How much state may be held.
    pub memory_limit: MemoryLimit,
    /// Where streams are archived.
    pub archive: ArchivePlace,
    /// How long events wait at most until they are archived.
    pub archive_interval: Span,
    /// Whether records are archived as they came, too.
    pub archive_raw: bool,
    /// Options of the object store of the archive.
    pub archive_options: StoreOptions,
    /// How long the archive keeps files that others took the place of.
    pub archive_keep_replaced: Span,
    /// Time between checkpoints of the state while events come in.
    pub checkpoint_interval: Span,
    /// Bytes after which the log begins a new file.
    pub log_segment_size: u64,
    /// When everything is audited.
    pub audit_schedule: Option<Schedule>,
    /// When all views are recomputed.
    pub recompute_schedule: Option<Schedule>,
    /// Bytes of memory that an audit or a recomputation may hold.
    pub batch_memory: u64,
    /// Log filter.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// As given, for printing.
    pub raw: RawSettings,
}

impl Settings {
    /// Gathers and settles.
    ///
    /// # Errors
    /// With everything that is wrong, at once.
    pub fn gather(flags: &Flags, variables: Vec<(String, String)>) -> Result<Self, Failure> {
        Self::settle(RawSettings::gather(flags, &variables)?)
    }

    fn settle(raw: RawSettings) -> Result<Self, Failure> {
        let mut problems = Diagnostics::default();
        let listen = typed(&raw, "listen", "an address and a port, such as 127.0.0.1:8080", &mut problems);
        let allow_anonymous = typed(&raw, "allow_anonymous", "true or false", &mut problems);
        let threads = typed(&raw, "threads", "a whole number; 0 means one for each core", &mut problems);
        let memory_limit =
            typed(&raw, "memory_limit", "a size such as 8 GB, a share such as 70%, or none", &mut problems);
        let archive = typed(&raw, "archive", "on, off, a folder or s3://bucket/path", &mut problems);
        let archive_interval = typed(&raw, "archive_interval", "a length of time such as 30 s or 5 min", &mut problems);
        let archive_raw = typed(&raw, "archive_raw", "true or false", &mut problems);
        let archive_options =
            typed(&raw, "archive_options", "name=value with commas between, such as region=eu-west-1", &mut problems);
        let archive_keep_replaced =
            typed(&raw, "archive_keep_replaced", "a length of time such as 24 h", &mut problems);
        let checkpoint_interval = typed(&raw, "checkpoint_interval", "a length of time such as 10 s", &mut problems);
        let log_segment_size = segment_size(&raw, &mut problems);
        let batch_memory: Option<MemoryLimit> = typed(&raw, "batch_memory", "a size such as 512 MB", &mut problems);
        let batch_memory = batch_memory.and_then(|limit| limit.bytes()).unwrap_or(u64::MAX);
        let audit_schedule = schedule(&raw, "audit_schedule", &mut problems);
        let recompute_schedule = schedule(&raw, "recompute_schedule", &mut problems);
        let log_format = typed(&raw, "log_format", "text or json", &mut problems);
        let (Some(listen), Some(allow_anonymous), Some(threads), Some(memory_limit), Some(log_format)) =
            (listen, allow_anonymous, threads, memory_limit, log_format)
        else {
            return Err(Failure::Diagnosed(problems));
        };
        let (Some(archive), Some(archive_interval), Some(archive_raw)) = (archive, archive_interval, archive_raw)
        else {
            return Err(Failure::Diagnosed(problems));
        };
        let (Some(archive_options), Some(archive_keep_replaced), Some(checkpoint_interval), Some(log_segment_size)) =
            (archive_options, archive_keep_replaced, checkpoint_interval, log_segment_size)
        else {
            return Err(Failure::Diagnosed(problems));
        };
        if problems.has_errors() {
            return Err(Failure::Diagnosed(problems));
        }
        Ok(Self {
            data: raw.get("data").text.into(),
            listen,
            allow_anonymous,
            to: raw.get("to").text,
            apps: raw.get("apps").text.into(),
            threads,
            memory_limit,
            archive,
            archive_interval,
            archive_raw,
            archive_options,
            archive_keep_replaced,
            checkpoint_interval,
            log_segment_size,
            audit_schedule,
            recompute_schedule,
            batch_memory,
            log: raw.get("log").text,
            log_format,
            raw,
        })
    }

    /// Refuses to serve strangers: there is no sign-in yet, so an address other machines reach must be asked for twice.
    ///
    /// # Errors
    /// When the address is not a loopback one and `allow_anonymous` is not set.
    pub fn check_listen(&self) -> Result<(), Failure> {
        if self.listen.ip().is_loopback() || self.allow_anonymous {
            return Ok(());
        }
        Err(Failure::Usage(format!(
            "listening on {} lets anybody who reaches this machine read and write everything: there is no sign-in yet; \
             listen on 127.0.0.1 behind a proxy that asks who is there, or add --allow-anonymous",
            self.listen
        )))
    }
}

fn typed<T: FromStr>(raw: &RawSettings, key: &'static str, expected: &str, problems: &mut Diagnostics) -> Option<T> {
    let given = raw.get(key);
    let value = given.text.parse().ok();
    if value.is_none() {
        problems.push(
            Diagnostic::general(format!("\"{}\" is no value for the setting {key} ({})", given.text, given.origin))
                .with_hint(format!("write {expected}")),
        );
    }
    value
}

/// Smallest and largest size of a log file, in bytes.
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = 64_000..=(2 << 30);

fn segment_size(raw: &RawSettings, problems: &mut Diagnostics) -> Option<u64> {
    const KEY: &str = "log_segment_size";
    let size: MemoryLimit = typed(raw, KEY, "a size such as 128 MB", problems)?;
    let bytes = size.bytes().filter(|bytes| SEGMENT_BYTES.contains(bytes));
    if bytes.is_none() {
        let given = raw.get(KEY);
        let message = format!("\"{}\" is no value for the setting {KEY} ({})", given.text, given.origin);
        problems.push(Diagnostic::general(message).with_hint("write a size from 64 KB to 2 GB"));
    }
    bytes
}

/// A schedule, unless it is `off`.
fn schedule(raw: &RawSettings, key: &'static str, problems: &mut Diagnostics) -> Option<Schedule> {
    let (pattern, zone) = (raw.get(key), raw.get("schedule_zone"));
    if pattern.text.trim() == "off" {
        return None;
    }
    let read = Schedule::parse(pattern.text.trim(), zone.text.trim());
    read.map_err(|why| {
        let message = format!("the setting {key} ({}) cannot be used: {why}", pattern.origin);
        problems
            .push(Diagnostic::general(message).with_hint("write a pattern such as 0 3 * * * (daily at 3:00), or off"));
    })
    .ok()
}
