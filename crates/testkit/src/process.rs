//! The real `highwater` binary as a child process: started on a free port, killed or stopped, started again on the same
//! folder. Used by the corpus runner and the crash harness.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use highwater_client::Client;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::TestkitError;

/// How long a start may take, with the replay of the log's tail in an unoptimized build.
const START_LIMIT: Duration = Duration::from_secs(120);
/// How much of the server's log an error shows, in bytes.
const LOG_SHOWN_BYTES: usize = 4000;

/// Where the binary under test is: `HIGHWATER_BIN`, or beside the test that runs.
///
/// # Errors
/// When there is none.
pub fn server_binary() -> Result<PathBuf, TestkitError> {
    let path = match std::env::var_os("HIGHWATER_BIN") {
        Some(path) => PathBuf::from(path),
        None => {
            let test = std::env::current_exe().map_err(TestkitError::io("finding this test's own path"))?;
            // target/<profile>/deps/<test> → target/<profile>/highwater
            let profile = test.parent().and_then(Path::parent).unwrap_or(Path::new("."));
            profile.join(format!("highwater{}", std::env::consts::EXE_SUFFIX))
        }
    };
    if path.is_file() { Ok(path) } else { Err(TestkitError::NoBinary { path }) }
}

/// How the server is started; the same for every start on a folder.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// The binary.
    pub binary: PathBuf,
    /// The data folder.
    pub data: PathBuf,
    /// Names or paths of apps.
    pub apps: Vec<String>,
    /// Further arguments.
    pub options: Vec<String>,
    /// Where its log lines go; appended.
    pub log: PathBuf,
}

impl ServerSettings {
    /// The end of the log, for messages.
    #[must_use]
    pub fn log_end(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(LOG_SHOWN_BYTES)..]).into_owned()
    }

    /// Starts the process without waiting for anything.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self) -> Result<Child, TestkitError> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(TestkitError::io(format!("opening {}", self.log.display())))?;
        Command::new(&self.binary)
            .arg("up")
            .args(&self.apps)
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", "127.0.0.1:0"])
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(TestkitError::io(format!("starting {}", self.binary.display())))
    }

    fn failed(&self, what: impl Into<String>) -> TestkitError {
        TestkitError::Server { what: what.into(), log: self.log_end() }
    }
}

/// A server that answers. Killed when dropped.
#[derive(Debug)]
pub struct ServerProcess {
    settings: ServerSettings,
    child: Child,
    client: Client,
}

impl ServerProcess {
    /// Starts the server and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready in time, with the end of its log.
    pub async fn start(settings: ServerSettings) -> Result<Self, TestkitError> {
        let mut child = settings.spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| settings.failed("has no output"))?;
        let mut lines = BufReader::new(stdout).lines();
        let ready = async {
            let url = address(&mut lines, &settings).await?;
            let client = Client::new(&url).map_err(TestkitError::request("the printed address"))?;
            while_not_ready(&client).await?;
            Ok(client)
        };
        let client = match timeout(START_LIMIT, ready).await {
            Ok(client) => client?,
            Err(_) => return Err(settings.failed(format!("was not ready after {} s", START_LIMIT.as_secs()))),
        };
        // Nobody reads on; a full pipe must not stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { settings, child, client })
    }

    /// A client of it.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// How it was started.
    #[must_use]
    pub fn settings(&self) -> &ServerSettings {
        &self.settings
    }

    /// Lets it run for a time.
    ///
    /// # Errors
    /// When it ends by itself before.
    pub async fn run_for(&mut self, time: Duration) -> Result<(), TestkitError> {
        match timeout(time, self.child.wait()).await {
            Err(_) => Ok(()),
            Ok(ended) => {
                let status = ended.map_err(TestkitError::io("waiting for the server"))?;
                Err(self.settings.failed(format!("ended by itself ({status})")))
            }
        }
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub async fn kill(mut self) -> Result<ServerSettings, TestkitError> {
        self.child.kill().await.map_err(TestkitError::io("killing the server"))?;
        Ok(self.settings)
    }
}

/// The address is the last word of a line that the server prints.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>, settings: &ServerSettings) -> Result<String, TestkitError> {
    while let Some(line) = lines.next_line().await.map_err(TestkitError::io("reading the server's output"))? {
        if let Some(url) = line.split_whitespace().find(|word| word.starts_with("http://")) {
            return Ok(url.to_owned());
        }
    }
    Err(settings.failed("ended before it listened"))
}

async fn while_not_ready(client: &Client) -> Result<(), TestkitError> {
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    loop {
        ticks.tick().await;
        if client.is_ready().await.map_err(TestkitError::request("/readyz"))? {
            return Ok(());
        }
    }
}
