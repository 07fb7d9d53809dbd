//! The command line: what can be typed. Values that are settings too stay unset here unless typed; `Settings` decides.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::settings::Flags;

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 it failed; 2 the arguments or settings are wrong; 3 done, but some records were rejected.
Settings: flags over environment (HIGHWATER_…) over highwater.toml over defaults; `highwater settings` prints them.";

/// Live SQL views over durable event streams, exact to the offset.
#[derive(Debug, Parser)]
#[command(name = "highwater", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Arguments {
    /// The settings file [default: highwater.toml, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Which log lines are written, as in RUST_LOG [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    pub log: Option<String>,

    /// How log lines are written: text or json [default: text]
    #[arg(long, global = true, value_name = "FORM")]
    pub log_format: Option<String>,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a data folder, and load apps into it
    Up(Up),
    /// Serve all bundled apps with their simulators running
    Demo(Demo),
    /// Check apps: their SQL, their dashboards and the query of every panel
    Check(Check),
    /// Run SQL on a server: -c, a file, or typed
    Sql(Sql),
    /// Send a file of events, or standard input, to a stream
    Ingest(Ingest),
    /// Read a stream's rejected records again, after its declaration was mended
    ReplayRejects(ReplayRejects),
    /// Send an app's simulated events
    Simulate(Simulate),
    /// Write every dashboard of an app as a file that needs no server, with the rows it has now
    Publish(Publish),
    /// Take a snapshot of the data folder that a server serves
    Snapshot(Snapshot),
    /// Make a data folder of a snapshot
    Restore(Restore),
    /// Compare what views serve with what their history gives, row by row
    Audit(Audit),
    /// Compute views again from their history; put right those that are wrong
    Recompute(Recompute),
    /// Check every byte of a data folder that nothing serves: log, catalog, checkpoints
    Doctor(Doctor),
    /// Measure: ingest, latency, lookup, memory, restart
    Bench(highwater_bench::BenchArguments),
    /// Print all settings, their values and where each was given
    Settings,
}

/// Where a server keeps its data and listens.
#[derive(Debug, Default, Args)]
pub struct Serve {
    /// Folder of the log, the state and the catalog [default: highwater-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Address to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,

    /// Listen on an address other machines reach although there is no sign-in yet
    #[arg(long)]
    pub allow_anonymous: bool,

    /// Threads of the dataflow; 0: one for each core
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,

    /// How much state may be held: a size (8 GB), a share of the machine (70%), or none [default: 70%]
    #[arg(long, value_name = "SIZE")]
    pub memory_limit: Option<String>,

    /// Where streams are kept for good: on (in the data folder), off, or a folder [default: on]
    #[arg(long, value_name = "PLACE")]
    pub archive: Option<String>,

    /// How long events wait at most until they are archived [default: 60 s]
    #[arg(long, value_name = "TIME")]
    pub archive_interval: Option<String>,

    /// Folder of apps of your own [default: apps]
    #[arg(long, value_name = "DIR")]
    pub apps: Option<PathBuf>,
}

/// `highwater up`.
#[derive(Debug, Args)]
pub struct Up {
    /// Apps: bundled ones, folders in the apps folder, or paths (./mine); none: what the data folder holds already
    #[arg(value_name = "APP")]
    pub names: Vec<String>,

    #[command(flatten)]
    pub serve: Serve,

    /// Address for PostgreSQL clients (not available yet)
    #[arg(long, value_name = "ADDR")]
    pub pg_listen: Option<String>,
}

/// `highwater demo`.
#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    pub serve: Serve,

    /// Make up no history first
    #[arg(long)]
    pub no_history: bool,
}

/// `highwater check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Apps: bundled ones, folders in the apps folder, or paths (./mine); none: all of them
    #[arg(value_name = "APP")]
    pub names: Vec<String>,

    /// Folder of apps of your own [default: apps]
    #[arg(long, value_name = "DIR")]
    pub apps: Option<PathBuf>,
}

/// The server a command talks to.
#[derive(Debug, Default, Args)]
pub struct Target {
    /// The server [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    pub to: Option<String>,
}

/// How `sql` prints rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// A table for people
    #[default]
    Table,
    /// RFC 4180, header line first
    Csv,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
}

/// `highwater sql`.
#[derive(Debug, Args)]
pub struct Sql {
    /// A file of statements; - for standard input; none: type them
    #[arg(value_name = "FILE", conflicts_with = "command")]
    pub file: Option<PathBuf>,

    /// Statements to run
    #[arg(short = 'c', long = "command", value_name = "SQL")]
    pub command: Option<String>,

    /// How rows are printed
    #[arg(long, value_enum, default_value_t)]
    pub format: OutputFormat,

    /// Schema in which unqualified names are looked up first and created
    #[arg(long, value_name = "NAME")]
    pub schema: Option<String>,

    /// Print how long each statement took
    #[arg(long)]
    pub timing: bool,

    #[command(flatten)]
    pub target: Target,
}

/// How a file of events is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    /// One JSON object a line
    Ndjson,
    /// A JSON array, one object, or objects run together
    Json,
    /// RFC 4180 with a header line
    Csv,
    /// Lines in the stream's declared layout
    Text,
}

/// `highwater ingest`.
#[derive(Debug, Args)]
pub struct Ingest {
    /// The file; - for standard input. Compressed with gzip or not
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The stream, schema.name [default: what an app says of files of this name]
    #[arg(long, short, value_name = "STREAM")]
    pub stream: Option<String>,

    /// How the file is written [default: by its name, or else by its beginning]
    #[arg(long, value_enum)]
    pub format: Option<InputFormat>,

    /// Largest batch, with --producer, --no-dedup or standard input: records (5000) or bytes (4MiB) [default: 20000].
    /// A file that is known by its content is always cut alike: another cut would count its events twice
    #[arg(long, value_name = "SIZE")]
    pub batch: Option<String>,

    /// Name of the producer [default: made of the file's content, so that the same file is stored once]. Send the same
    /// file under the same name with the same --batch
    #[arg(long, value_name = "ID", conflicts_with = "no_dedup")]
    pub producer: Option<String>,

    /// Number of the first batch, when the producer sent others before
    #[arg(long, value_name = "N", default_value_t = 0, requires = "producer")]
    pub start_sequence: u64,

    /// Store the events again although the same file was stored before. Batches are then sent again only if certainly
    /// not stored
    #[arg(long)]
    pub no_dedup: bool,

    /// Return only when the events are visible in every view
    #[arg(long)]
    pub wait: bool,

    /// No progress bar
    #[arg(long)]
    pub quiet: bool,

    #[command(flatten)]
    pub target: Target,
}

/// `highwater replay-rejects`.
#[derive(Debug, Args)]
pub struct ReplayRejects {
    /// The stream: name or schema.name
    #[arg(value_name = "STREAM")]
    pub stream: String,

    /// Only rejects for which this SQL condition over the columns of <STREAM>_rejects holds
    #[arg(long, value_name = "CONDITION")]
    pub r#where: Option<String>,

    #[command(flatten)]
    pub target: Target,
}

/// `highwater simulate`.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The app
    #[arg(value_name = "APP")]
    pub app: String,

    /// How many events; without, until stopped
    #[arg(long, value_name = "N")]
    pub events: Option<u64>,

    /// Picks the history; the same seed, start and timing give the same events
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,

    /// Events per second; without, as fast as the server takes them
    #[arg(long, value_name = "R")]
    pub rate: Option<f64>,

    /// How much faster than real time the simulated clock runs, such as 60x
    #[arg(long, value_name = "FACTOR", default_value = "1x", value_parser = speed)]
    pub speed: f64,

    /// When simulated time begins (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub start: Option<String>,

    /// Spread the events over the so many days before the start
    #[arg(long, value_name = "N", requires = "events", conflicts_with_all = ["rate", "speed"])]
    pub days: Option<u32>,

    /// How many people [default: the app's own number]
    #[arg(long, value_name = "N")]
    pub users: Option<u64>,

    /// Connections used at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub connections: u16,

    /// Events in a request [default: 10000, or fewer at a low rate]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub batch: Option<u32>,

    /// Name of the producer: the same simulation under the same name is stored once [default: a new one]
    #[arg(long, value_name = "ID")]
    pub producer: Option<String>,

    /// Write the events to standard output instead of sending them
    #[arg(long, requires = "events", conflicts_with_all = ["to", "rate", "producer"])]
    pub print: bool,

    /// No progress bar
    #[arg(long)]
    pub quiet: bool,

    #[command(flatten)]
    pub target: Target,
}

/// `highwater audit`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all are equal; 1 some differ; 2 it could not be done.")]
pub struct Audit {
    #[command(flatten)]
    pub job: RelationJob,
}

/// `highwater recompute`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 all were equal; 1 some differed and were put right; 2 it could not be done.")]
pub struct Recompute {
    #[command(flatten)]
    pub job: RelationJob,
}

/// What a job is about, and how it is told.
#[derive(Debug, Args)]
pub struct RelationJob {
    /// Views, schema.name; none: all of them
    #[arg(value_name = "VIEW", conflicts_with = "app")]
    pub views: Vec<String>,

    /// All views of an app
    #[arg(long, value_name = "APP")]
    pub app: Option<String>,

    /// Print as JSON
    #[arg(long)]
    pub json: bool,

    /// No progress bar
    #[arg(long)]
    pub quiet: bool,

    #[command(flatten)]
    pub target: Target,
}

/// `highwater snapshot`.
#[derive(Debug, Args)]
pub struct Snapshot {
    /// What it is called: letters, digits, - and _; a folder of this name in DATA/snapshots of the server
    #[arg(value_name = "NAME")]
    pub name: String,

    #[command(flatten)]
    pub target: Target,
}

/// `highwater publish`.
#[derive(Debug, Args)]
pub struct Publish {
    /// The app, as the server names it
    #[arg(value_name = "APP")]
    pub app: String,

    /// The folder to write to; the app gets a folder of its own in it
    #[arg(long, value_name = "FOLDER")]
    pub to: String,

    /// The server [default: http://127.0.0.1:8080]
    #[arg(long, value_name = "URL")]
    pub from: Option<String>,

    /// Draw no pictures
    #[arg(long)]
    pub no_png: bool,
}

/// `highwater restore`.
#[derive(Debug, Args)]
pub struct Restore {
    /// The folder of the snapshot, or a copy of it
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,

    /// The data folder to make, new or empty [default: highwater-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `highwater doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The data folder [default: highwater-data]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,

    /// Set damaged state aside, so that the next start computes it again; give up damaged records, when that is confirmed
    #[arg(long)]
    pub repair: bool,

    /// Give up damaged records without being asked; what is lost is printed all the same
    #[arg(long, requires = "repair")]
    pub yes: bool,

    /// Print as JSON
    #[arg(long)]
    pub json: bool,
}

impl Arguments {
    /// The settings among what was typed.
    pub fn flags(&self) -> Flags {
        let mut flags = Flags { config: self.config.clone(), values: Vec::new() };
        let mut set = |key, value: Option<String>| flags.values.extend(value.map(|value| (key, value)));
        set("log", self.log.clone());
        set("log_format", self.log_format.clone());
        match &self.command {
            Command::Up(Up { serve, .. }) | Command::Demo(Demo { serve, .. }) => {
                set("data", serve.data.as_ref().map(|path| path.display().to_string()));
                set("listen", serve.listen.clone());
                set("allow_anonymous", serve.allow_anonymous.then(|| "true".to_owned()));
                set("threads", serve.threads.map(|n| n.to_string()));
                set("memory_limit", serve.memory_limit.clone());
                set("archive", serve.archive.clone());
                set("archive_interval", serve.archive_interval.clone());
                set("apps", serve.apps.as_ref().map(|path| path.display().to_string()));
            }
            Command::Check(check) => set("apps", check.apps.as_ref().map(|path| path.display().to_string())),
            Command::Sql(Sql { target, .. })
            | Command::Ingest(Ingest { target, .. })
            | Command::ReplayRejects(ReplayRejects { target, .. })
            | Command::Snapshot(Snapshot { target, .. })
            | Command::Simulate(Simulate { target, .. })
            | Command::Audit(Audit { job: RelationJob { target, .. } })
            | Command::Recompute(Recompute { job: RelationJob { target, .. } }) => set("to", target.to.clone()),
            Command::Publish(publish) => set("to", publish.from.clone()),
            Command::Restore(restore) => set("data", restore.data.as_ref().map(|path| path.display().to_string())),
            Command::Doctor(doctor) => set("data", doctor.data.as_ref().map(|path| path.display().to_string())),
            Command::Bench(_) | Command::Settings => {}
        }
        flags
    }
}

/// `60x` or `60`.
fn speed(text: &str) -> Result<f64, String> {
    let factor = text.strip_suffix(['x', 'X']).unwrap_or(text).parse::<f64>();
    factor
        .ok()
        .filter(|factor| *factor > 0.0 && factor.is_finite())
        .ok_or_else(|| "write a factor such as 60x".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_documented_forms_parse() {
        for line in [
            "highwater up",
            "highwater up rankmysteps ./mine --data d --listen 127.0.0.1:0 --pg-listen 127.0.0.1:5432",
            "highwater demo",
            "highwater check",
            "highwater check rankmysteps ./mine --apps d",
            "highwater sql",
            "highwater sql q.sql --to http://h:1 --format csv",
            "highwater sql -c SELECT --timing",
            "highwater ingest f.csv.gz --to http://h:1 --stream a.b --batch 1 --producer p --start-sequence 3",
            "highwater ingest - -s a.b --no-dedup",
            "highwater replay-rejects a.b --where _offset=3 --to http://h:1",
            "highwater simulate rankmysteps --events 10 --seed 2 --rate 5 --speed 60x --users 1000000",
            "highwater simulate rankmysteps --events 10 --days 30 --start 2026-03-01T00:00:00Z",
            "highwater snapshot before-upgrade --to http://h:1",
            "highwater restore d/snapshots/before-upgrade --data e",
            "highwater audit",
            "highwater audit a.b c.d --to http://h:1 --json",
            "highwater recompute --app rankmysteps --quiet",
            "highwater doctor --data d --repair",
            "highwater doctor --repair --yes --json",
            "highwater bench ingest --json",
            "highwater settings --log debug",
        ] {
            assert!(parse(line).is_ok(), "{line}: {:?}", parse(line).err());
        }
        for line in [
            "highwater ingest f --producer p --no-dedup",
            "highwater simulate a --days 3",
            "highwater audit a.b --app c",
            "highwater doctor --yes",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn typed_settings_become_flags() {
        let arguments = parse("highwater up --data d --threads 2 --allow-anonymous --log debug").unwrap();
        let values = arguments.flags().values;
        assert_eq!(
            values,
            [
                ("log", "debug".to_owned()),
                ("data", "d".to_owned()),
                ("allow_anonymous", "true".to_owned()),
                ("threads", "2".to_owned()),
            ]
        );
        assert_eq!(parse("highwater sql --to u").unwrap().flags().values, [("to", "u".to_owned())]);
    }

    #[test]
    fn speeds() {
        assert_eq!(speed("60x"), Ok(60.0));
        assert_eq!(speed("0.5"), Ok(0.5));
        assert!(speed("0x").is_err() && speed("fast").is_err() && speed("infx").is_err());
    }
}
