//! Every setting there is: its name in `highwater.toml`, as a flag (`--name`) and in the environment
//! (`HIGHWATER_NAME`), its default and its meaning. The reference that `highwater settings` prints.

/// One setting.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Name in `highwater.toml`; dashes for underscores make the flag.
    pub name: &'static str,
    /// Value when nothing else is given.
    pub default: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

impl Key {
    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.to_uppercase())
    }

    /// The setting of a name.
    pub fn named(name: &str) -> Option<&'static Self> {
        KEYS.iter().find(|key| key.name == name)
    }
}

/// What environment variables begin with.
pub const PREFIX: &str = "HIGHWATER_";

/// The environment variable that names the settings file.
pub const CONFIG_VARIABLE: &str = "HIGHWATER_CONFIG";

/// All settings, in the order they are printed.
pub const KEYS: &[Key] = &[
    Key { name: "data", default: "highwater-data", meaning: "folder of the log, the state and the catalog" },
    Key {
        name: "listen",
        default: "127.0.0.1:8080",
        meaning: "address the server listens on; port 0 picks a free one",
    },
    Key {
        name: "allow_anonymous",
        default: "false",
        meaning: "listen on an address other machines reach although there is no sign-in yet",
    },
    Key { name: "to", default: "http://127.0.0.1:8080", meaning: "server that sql, ingest and simulate talk to" },
    Key { name: "apps", default: "apps", meaning: "folder of apps of your own; bundled apps need none" },
    Key { name: "threads", default: "0", meaning: "threads of the dataflow; 0: one for each core" },
    Key {
        name: "memory_limit",
        default: "70%",
        meaning: "how much state views, tables and waiting events may hold: a size, a share of the machine, or none",
    },
    Key {
        name: "archive",
        default: "on",
        meaning: "where streams are kept for good: on (the data folder's archive/), off, a folder, or s3://bucket/path",
    },
    Key {
        name: "archive_options",
        default: "",
        meaning: "options of the object store, as name=value with commas between; keys come from AWS_* variables",
    },
    Key { name: "archive_interval", default: "60 s", meaning: "how long events wait at most until they are archived" },
    Key {
        name: "archive_raw",
        default: "true",
        meaning: "keep records in the archive as they came, beside their columns: later columns are filled from them",
    },
    Key {
        name: "archive_keep_replaced",
        default: "24 h",
        meaning: "how long the archive keeps files that others took the place of, for those who still read them",
    },
    Key {
        name: "checkpoint_interval",
        default: "10 s",
        meaning: "time between checkpoints of the state while events come in: what is replayed at most after a crash",
    },
    Key {
        name: "log_segment_size",
        default: "128 MB",
        meaning: "size of a log file, at most 2 GB: retention lets go of whole files",
    },
    Key {
        name: "audit_schedule",
        default: "0 3 * * *",
        meaning: "when everything is audited, as a cron pattern (minute hour day month weekday), or off",
    },
    Key {
        name: "recompute_schedule",
        default: "off",
        meaning: "when all views are recomputed, as a cron pattern, or off",
    },
    Key { name: "schedule_zone", default: "UTC", meaning: "time zone of the schedules, such as Europe/Berlin" },
    Key {
        name: "batch_memory",
        default: "512 MB",
        meaning: "memory that an audit or a recomputation may hold; beyond, rows are put aside in the data folder",
    },
    Key { name: "log", default: "info", meaning: "which log lines are written, as in RUST_LOG" },
    Key { name: "log_format", default: "text", meaning: "how log lines are written: text or json" },
];
