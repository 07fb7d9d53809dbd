//! What a kill is aimed at. Archiving goes on under every load; recomputations and replacements of a view are begun on
//! purpose, and the kill falls somewhere into the time that such work took the last time: so that in the end it has met
//! every step of it.

use std::time::{Duration, Instant};

use highwater_client::{AnswerFormat, Client, SqlCall};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

use super::app::{self, VARIANT};
use super::observed;
use crate::{ServerProcess, TestkitError};

/// Longest load between two kills that are aimed at nothing else.
const LONGEST_LOAD: Duration = Duration::from_millis(120);
/// What a recomputation or a replacement takes before one was seen to end.
const FIRST_GUESS: Duration = Duration::from_millis(500);
/// One in so many pieces of work is waited for, which tells how long they take.
const WAITED_FOR: u32 = 4;
/// Longest time a replacement that was begun before the kill may take after it.
const BUILD_LIMIT: Duration = Duration::from_secs(60);

/// What goes on besides events when the kill comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    Load,
    Recompute,
    Replace,
}

/// Chooses aims, and knows which definitions of the replaced view may be served.
#[derive(Debug)]
pub(super) struct Aims {
    recompute_time: Duration,
    replace_time: Duration,
    /// The definition that was served last; an earlier one may never come back.
    served: u64,
    /// The newest that was asked for.
    asked: u64,
    /// Kills during a recomputation, and during a replacement.
    pub recomputations: u32,
    pub replacements: u32,
}

impl Aims {
    pub(super) fn new() -> Self {
        let (recompute_time, replace_time) = (FIRST_GUESS, FIRST_GUESS);
        Self { recompute_time, replace_time, served: 0, asked: 0, recomputations: 0, replacements: 0 }
    }

    /// Lets the server work under its load until it is to be killed.
    pub(super) async fn work(
        &mut self,
        server: &mut ServerProcess,
        random: &mut ChaCha8Rng,
    ) -> Result<(), TestkitError> {
        let aim = match random.random_range(0..3) {
            0 => Aim::Load,
            1 => Aim::Recompute,
            _ => Aim::Replace,
        };
        let (sql, usual) = match aim {
            Aim::Load => return server.run_for(random.random_range(Duration::ZERO..LONGEST_LOAD)).await,
            Aim::Recompute => ("RECOMPUTE ALL".to_owned(), self.recompute_time),
            Aim::Replace => {
                self.no_build(server.client()).await?;
                self.asked += 1;
                (app::replacement(self.asked), self.replace_time)
            }
        };
        let client = server.client().clone();
        let started = Instant::now();
        let work = tokio::spawn(async move { run(&client, &sql).await });
        if random.random_ratio(1, WAITED_FOR) {
            work.await.map_err(|error| TestkitError::answer("waiting for the work", error))??;
            match aim {
                Aim::Recompute => self.recompute_time = started.elapsed(),
                _ => (self.served, self.replace_time) = (self.asked, started.elapsed()),
            }
            return Ok(());
        }
        server.run_for(random.random_range(Duration::ZERO..usual)).await?;
        match aim {
            Aim::Recompute => self.recomputations += 1,
            _ => self.replacements += 1,
        }
        // Nobody waits for its answer.
        work.abort();
        Ok(())
    }

    /// The replaced view is one definition as a whole, one that was asked for and not older than what was served.
    pub(super) async fn check(&mut self, client: &Client) -> Result<(), TestkitError> {
        let broken = |detail| Err(TestkitError::Broken { invariant: "one version of a replaced view", detail });
        let sql = format!("SELECT DISTINCT definition FROM {VARIANT}");
        let found = observed::rows(client, &sql).await?;
        let definitions: Vec<u64> = found.iter().filter_map(|row| row["definition"].as_u64()).collect();
        match definitions.as_slice() {
            // No event yet.
            [] => Ok(()),
            &[one] if (self.served..=self.asked).contains(&one) => {
                self.served = one;
                Ok(())
            }
            other => broken(format!("{other:?} served, {} to {} possible", self.served, self.asked)),
        }
    }

    /// Waits until the replacement that a kill interrupted has ended: it goes on after the start.
    async fn no_build(&self, client: &Client) -> Result<(), TestkitError> {
        let sql = "SELECT count(*) AS builds FROM highwater.jobs WHERE job IS NULL AND state = 'running'";
        let deadline = Instant::now() + BUILD_LIMIT;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while Instant::now() < deadline {
            ticks.tick().await;
            if observed::rows(client, sql).await?.first().is_some_and(|row| row["builds"] == 0) {
                return Ok(());
            }
        }
        Err(TestkitError::answer("a replacement begun before a kill", "it does not end"))
    }
}

/// Runs a statement to its end; recomputations must find what is served equal to history.
async fn run(client: &Client, sql: &str) -> Result<(), TestkitError> {
    let call = SqlCall { sql, schema: None };
    let answer = client.sql(&call, AnswerFormat::NdJson).await.map_err(TestkitError::request(sql))?;
    let highwater_client::SqlResponse::Rows(body) = answer else { return Ok(()) };
    let bytes = body.bytes().await.map_err(TestkitError::request(sql))?;
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let row: Value = serde_json::from_slice(line).map_err(|error| TestkitError::answer(sql, error))?;
        if row["status"] != "equal" {
            return Err(TestkitError::Broken { invariant: "live = recomputed", detail: row.to_string() });
        }
    }
    Ok(())
}
