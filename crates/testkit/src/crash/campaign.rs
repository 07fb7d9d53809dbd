//! A campaign: start, feed, kill, start again, check; as often as asked. At the end the state is thrown away and computed
//! again from the log, and must be the same.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::process::Command;
use tokio::time::timeout;

use super::aims::Aims;
use super::feeder::{Feeders, send_next};
use super::ledger::Ledger;
use super::{app, archive, checker, torn};
use crate::{ServerProcess, ServerSettings, TestkitError, server_binary};

/// Kills between two readings of the archive by other programs.
const KILLS_BETWEEN_READINGS: u32 = 50;
/// Longest time a start is given before it is killed, when starts are killed.
const LONGEST_START: Duration = Duration::from_millis(150);

/// Everything so often and so small that kills meet it.
const CONFIG: &str = "\
archive_interval = '40 ms'
archive_keep_replaced = '5 s'
checkpoint_interval = '60 ms'
log_segment_size = '64 KB'
";

/// What a campaign does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignSettings {
    /// How often the server is killed.
    pub kills: u32,
    /// Seed of all events and decisions.
    pub seed: u64,
}

impl CampaignSettings {
    /// From `HIGHWATER_CRASH_KILLS` and `HIGHWATER_CRASH_SEED`.
    ///
    /// # Errors
    /// When one of them is not a number.
    pub fn from_environment(kills: u32, seed: u64) -> Result<Self, TestkitError> {
        let read = |name: &str, default: u64| match std::env::var(name) {
            Ok(text) => text.parse().map_err(|_| TestkitError::answer(name, format!("not a whole number: {text}"))),
            Err(_) => Ok(default),
        };
        let kills = read("HIGHWATER_CRASH_KILLS", u64::from(kills))?;
        let kills = u32::try_from(kills).map_err(|error| TestkitError::answer("HIGHWATER_CRASH_KILLS", error))?;
        Ok(Self { kills, seed: read("HIGHWATER_CRASH_SEED", seed)? })
    }
}

/// What happened in a campaign in which every promise was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Kills under load.
    pub kills: u32,
    /// How many of them during a recomputation.
    pub recomputations: u32,
    /// How many of them during the replacement of a view.
    pub replacements: u32,
    /// Kills while the server started.
    pub kills_at_start: u32,
    /// Torn tails put at the end of a log.
    pub torn_tails: usize,
    /// Batches acknowledged.
    pub acknowledged: u64,
    /// Batches that had been stored although the acknowledgement was lost.
    pub in_doubt: u64,
    /// Events that Polars and DuckDB found in the archive at the end, each once; `None`: they are not installed.
    pub archived: Option<u64>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, recomputations, replacements, kills_at_start, torn_tails, acknowledged, in_doubt, archived } =
            self;
        write!(
            f,
            "{kills} kills under load, {recomputations} of them during a recomputation and {replacements} during the \
             replacement of a view, {kills_at_start} during start, {torn_tails} torn tails; {acknowledged} batches \
             acknowledged, {in_doubt} of them stored before their acknowledgement was lost: nothing lost, nothing \
             doubled; "
        )?;
        match archived {
            Some(events) => write!(f, "other programs found {events} events in the archive, each once"),
            None => f.write_str("other programs that read the archive are not installed"),
        }
    }
}

/// A running campaign.
#[derive(Debug)]
pub struct Campaign {
    settings: CampaignSettings,
    random: ChaCha8Rng,
    ledger: Arc<Ledger>,
    aims: Aims,
    server: ServerSettings,
    summary: Summary,
}

impl Campaign {
    /// A campaign in an empty folder.
    ///
    /// # Errors
    /// When the binary is not there or the folder cannot be written.
    pub fn new(settings: CampaignSettings, folder: &Path) -> Result<Self, TestkitError> {
        let app = app::write(folder)?;
        let config = folder.join("highwater.toml");
        std::fs::write(&config, CONFIG).map_err(TestkitError::io("writing the settings"))?;
        let server = ServerSettings {
            binary: server_binary()?,
            data: folder.join("data"),
            apps: vec![app.display().to_string()],
            options: ["--config".to_owned(), config.display().to_string()].to_vec(),
            log: folder.join("server.log"),
        };
        let random = ChaCha8Rng::seed_from_u64(settings.seed);
        let ledger = Arc::new(Ledger::new(settings.seed, 3, 1));
        Ok(Self { settings, random, ledger, aims: Aims::new(), server, summary: Summary::default() })
    }

    /// Where the server writes its log.
    #[must_use]
    pub fn server_log(&self) -> PathBuf {
        self.server.log.clone()
    }

    /// Runs it.
    ///
    /// # Errors
    /// The first promise that was broken, or what kept the campaign from going on.
    pub async fn run(mut self) -> Result<Summary, TestkitError> {
        while self.summary.kills < self.settings.kills {
            if self.summary.kills > 0 && self.random.random_ratio(1, 5) {
                self.kill_at_start().await?;
            }
            let server = ServerProcess::start(self.server.clone()).await?;
            self.check(&server).await?;
            self.feed_and_kill(server).await?;
            if self.random.random_ratio(1, 3) {
                self.summary.torn_tails += torn::tear(&self.server.data, &mut self.random)?;
            }
            if self.summary.kills.is_multiple_of(KILLS_BETWEEN_READINGS) {
                archive::read_by_others(&self.server.data, &self.ledger, false).await?;
            }
        }
        self.rebuild().await?;
        self.summary.archived = archive::read_by_others(&self.server.data, &self.ledger, true).await?;
        (self.summary.recomputations, self.summary.replacements) = (self.aims.recomputations, self.aims.replacements);
        self.summary.acknowledged = self.ledger.lanes.iter().map(|lane| lane.acknowledged()).sum();
        self.summary.in_doubt = self.ledger.lanes.iter().map(|lane| lane.duplicates()).sum();
        Ok(self.summary)
    }

    /// Kills a server somewhere between its first instruction and being ready.
    async fn kill_at_start(&mut self) -> Result<(), TestkitError> {
        let mut child = self.server.spawn()?;
        let time = self.random.random_range(Duration::ZERO..LONGEST_START);
        if let Ok(ended) = timeout(time, child.wait()).await {
            let status = ended.map_err(TestkitError::io("waiting for the server"))?;
            let what = format!("ended by itself while it started ({status})");
            return Err(TestkitError::Server { what, log: self.server.log_end() });
        }
        child.kill().await.map_err(TestkitError::io("killing the server"))?;
        self.summary.kills_at_start += 1;
        Ok(())
    }

    /// Everything acknowledged is there once, and the views agree with it.
    async fn check(&mut self, server: &ServerProcess) -> Result<(), TestkitError> {
        checker::check_log(&self.ledger, server.client()).await?;
        checker::check_views(server.client()).await?;
        checker::check_marks(server.client()).await?;
        self.aims.check(server.client()).await
    }

    async fn feed_and_kill(&mut self, mut server: ServerProcess) -> Result<(), TestkitError> {
        let feeders = Feeders::start(&self.ledger, server.client());
        self.aims.work(&mut server, &mut self.random).await?;
        if self.random.random_ratio(1, 2) {
            // Views and streams agree in every version, also while events come.
            checker::check_views(server.client()).await?;
        }
        self.ledger.set_killing(true);
        server.kill().await?;
        feeders.join().await?;
        self.ledger.set_killing(false);
        self.summary.kills += 1;
        Ok(())
    }

    /// Checks once more, then has the state computed again from archive and log alone and compares.
    async fn rebuild(&mut self) -> Result<(), TestkitError> {
        let server = ServerProcess::start(self.server.clone()).await?;
        for lane in 0..self.ledger.lanes.len() {
            send_next(&self.ledger, lane, server.client(), true).await?;
        }
        self.check(&server).await?;
        let live = checker::dump(server.client()).await?;
        server.kill().await?;
        self.doctor().await?;
        let state = self.server.data.join("state");
        std::fs::remove_dir_all(&state).map_err(TestkitError::io(format!("removing {}", state.display())))?;
        let server = ServerProcess::start(self.server.clone()).await?;
        self.check(&server).await?;
        let replayed = checker::dump(server.client()).await?;
        archive::settled(server.client()).await?;
        server.kill().await?;
        if live == replayed {
            return Ok(());
        }
        let detail = format!("live: {live:?}\nreplayed: {replayed:?}");
        Err(TestkitError::Broken { invariant: "live state = fresh replay", detail })
    }

    /// `highwater doctor --repair`, which must find nothing wrong.
    async fn doctor(&self) -> Result<(), TestkitError> {
        let output = Command::new(&self.server.binary)
            .args(["doctor", "--repair", "--data"])
            .arg(&self.server.data)
            .stdin(Stdio::null())
            .output()
            .await
            .map_err(TestkitError::io("starting highwater doctor"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        Err(TestkitError::answer("highwater doctor --repair", format!("{}: {said}", output.status)))
    }
}
