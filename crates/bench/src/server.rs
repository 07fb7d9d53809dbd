//! The server that is measured: one that runs already, or a child process of this very binary on a fresh data folder.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use highwater_client::Client;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

use crate::{BenchError, Usage};

/// How long a server may take to say its address: opening may replay a log.
const START_TIMEOUT: Duration = Duration::from_secs(300);

/// How long a server may take to stop in order.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its doors.
    pub(crate) client: Client,
    pid: Option<u32>,
    /// The process, when it is ours.
    child: Option<Child>,
}

/// How to start servers of our own.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    /// The binary.
    pub(crate) executable: PathBuf,
    /// Threads of the dataflow.
    pub(crate) threads: usize,
    /// The app to load, if any.
    pub(crate) app: Option<&'static str>,
}

impl Server {
    /// One that runs already.
    pub(crate) fn running(address: &str, pid: Option<u32>) -> Result<Self, BenchError> {
        Ok(Self { client: Client::new(address)?, pid, child: None })
    }

    /// Starts one on a data folder; returns when it says where it listens.
    pub(crate) async fn start(launch: &Launch, data: &Path) -> Result<Self, BenchError> {
        let mut command = Command::new(&launch.executable);
        command.arg("up").args(launch.app).arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--log", "warn"]);
        command.args(["--threads", &launch.threads.to_string()]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|e| BenchError::process("cannot start a server", e))?;
        let address = timeout(START_TIMEOUT, address_of(&mut child))
            .await
            .map_err(|_| BenchError::Gave("the server did not say where it listens in time".to_owned()))??;
        Ok(Self { client: Client::new(&address)?, pid: child.id(), child: Some(child) })
    }

    /// What it used so far.
    pub(crate) async fn usage(&self) -> Usage {
        let metrics = self.client.text("metrics").await.unwrap_or_default();
        Usage::read(self.pid, &metrics)
    }

    /// Stops a server of our own in order and waits for its end. A server that ran already is left alone.
    pub(crate) async fn stop(mut self) -> Result<(), BenchError> {
        let Some(child) = &mut self.child else { return Ok(()) };
        if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
            kill_process(pid, Signal::TERM).map_err(|e| BenchError::process("cannot stop the server", e.into()))?;
        }
        match timeout(STOP_TIMEOUT, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(BenchError::Gave(format!("the server did not stop well: {status}"))),
            Ok(Err(error)) => Err(BenchError::process("cannot wait for the server", error)),
            Err(_) => Err(BenchError::Gave("the server did not stop in a minute".to_owned())),
        }
    }

    /// Kills a server of our own with SIGKILL and waits for its end.
    pub(crate) async fn kill(mut self) -> Result<(), BenchError> {
        match &mut self.child {
            Some(child) => child.kill().await.map_err(|e| BenchError::process("cannot kill the server", e)),
            None => Ok(()),
        }
    }

    /// Waits until `SELECT` gives one row with these numbers; tells how long that took from `since`.
    pub(crate) async fn until_answers(
        &self,
        sql: &str,
        expected: &[(&str, u64)],
        since: Instant,
        patience: Duration,
    ) -> Result<Duration, BenchError> {
        let mut last = String::from("nothing");
        while since.elapsed() < patience {
            match self.client.rows(sql).await {
                Ok(rows) => {
                    let right = rows.first().is_some_and(|row| {
                        expected.iter().all(|(name, number)| row.get(*name).and_then(|v| v.as_u64()) == Some(*number))
                    });
                    if right {
                        return Ok(since.elapsed());
                    }
                    last = format!("{rows:?}");
                }
                Err(error) if error.is_passing() => last = error.to_string(),
                Err(error) => return Err(error.into()),
            }
            sleep(Duration::from_millis(2)).await;
        }
        Err(BenchError::Gave(format!("{sql} gave {last}, not {expected:?}, within {patience:?}")))
    }
}

/// Reads the child's output up to its address, and goes on reading so that it never blocks.
async fn address_of(child: &mut Child) -> Result<String, BenchError> {
    let gone = || BenchError::Gave("the server ended before it listened; its messages are above".to_owned());
    let mut lines = BufReader::new(child.stdout.take().ok_or_else(gone)?).lines();
    let broken = |e| BenchError::process("cannot read what the server says", e);
    while let Some(line) = lines.next_line().await.map_err(broken)? {
        if let Some(at) = line.find("http://") {
            let address = line[at..].split_whitespace().next().unwrap_or_default().to_owned();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(address);
        }
    }
    Err(gone())
}
