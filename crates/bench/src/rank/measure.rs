//! Ranks asked for over HTTP at a steady rate while events come in, on a view whose people are in a ranked index.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use highwater_client::{AnswerFormat, Client, SqlCall, ViewCall};
use highwater_simulate::SplitMix64;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep};

use super::RankResult;
use super::redis::{executable, redis};
use crate::BenchError;
use crate::measure::{Load, LoadPlan, Pace, Paced};
use crate::percentiles::Latencies;
use crate::server::Server;
use crate::workload::{DAY, Walkers, fill};

/// The index and the view that is asked.
const INDEX: &str = "CREATE INDEX IF NOT EXISTS rankmysteps.bench_ranks ON rankmysteps.daily_steps
    RANKED (PARTITION BY day ORDER BY steps DESC)";
const STANDING: &str = "CREATE OR REPLACE VIEW rankmysteps.bench_standing AS
    SELECT day, uuid, steps, CAST(rank() OVER (PARTITION BY day ORDER BY steps DESC) AS BIGINT) AS rank
    FROM rankmysteps.daily_steps";
const VIEW: &str = "rankmysteps.bench_standing";
/// People whose rank is checked in the end.
const CHECKED: u64 = 8;

/// How fast both go, how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RankPlan {
    pub(crate) walkers: Walkers,
    /// Events per second.
    pub(crate) rate: u64,
    /// Events of a request.
    pub(crate) batch: u64,
    /// Ranks per second.
    pub(crate) asks: u64,
    pub(crate) seconds: u64,
}

/// Measures Highwater, then Redis when it is there.
pub(crate) async fn rank(server: &Server, plan: &RankPlan) -> Result<RankResult, BenchError> {
    let client = &server.client;
    fill(client, plan.walkers).await?;
    let building = Instant::now();
    for sql in [INDEX, STANDING] {
        client.sql(&SqlCall { sql, schema: None }, AnswerFormat::Json).await?;
    }
    let index_build_s = building.elapsed().as_secs_f64();
    let sizes = client.rows("SELECT rows, bytes FROM highwater.indexes WHERE name = 'bench_ranks'").await?;
    let size = |name: &str| sizes.first().and_then(|row| row.get(name)?.as_f64()).unwrap_or(f64::NAN);
    let index_bytes_per_user = size("bytes") / size("rows");

    let before = server.usage().await;
    let load = Load::start(client, LoadPlan { walkers: plan.walkers, rate: plan.rate, batch: plan.batch })?;
    let started = Instant::now();
    let inside = Arc::new(Mutex::new(Latencies::new()?));
    let asked = asks(client, plan, &inside).await;
    let seconds = started.elapsed().as_secs_f64();
    let stored = load.stop().await?;
    let asked = asked?;
    let usage = server.usage().await - before;
    let exact = check(client, plan).await?;
    let inside_engine = inside.lock().unwrap_or_else(PoisonError::into_inner).percentiles();
    let over_http = asked.latencies.percentiles();
    let redis = match executable() {
        Some(executable) => Some(redis(&executable, plan, &inside_engine, &over_http).await?),
        None => None,
    };
    Ok(RankResult {
        users: plan.walkers.users,
        ingest_events_per_second: plan.rate,
        stored_events_per_second: stored as f64 / seconds,
        asks_per_second: plan.asks,
        seconds,
        index_build_s,
        index_bytes_per_user,
        inside_engine,
        over_http,
        failed_asks: asked.failed,
        exact,
        usage,
        redis,
    })
}

fn of(user: u64) -> String {
    format!("day = DATE '{DAY}' AND uuid = {user}")
}

/// A column of the one row that is about this person.
fn column(rows: &[Map<String, Value>], user: u64, name: &str) -> Result<u64, BenchError> {
    let wrong = || BenchError::Gave(format!("the rank of {user} came as {rows:?}"));
    let [row] = rows else { return Err(wrong()) };
    let number = |name: &str| row.get(name).and_then(Value::as_u64).ok_or_else(wrong);
    if number("uuid")? == user { number(name) } else { Err(wrong()) }
}

async fn asks(client: &Client, plan: &RankPlan, inside: &Arc<Mutex<Latencies>>) -> Result<Paced, BenchError> {
    let pace = Pace { per_second: plan.asks as f64, requests: (plan.asks * plan.seconds).max(1) };
    // Its connections belong to the runtime they are first used in.
    let client = Client::new(client.address())?;
    let (users, seed, inside) = (plan.walkers.users, plan.walkers.seed, inside.clone());
    pace.run_in_turn(move |n| {
        let user = SplitMix64::of(seed, n).below(users);
        let (client, inside) = (client.clone(), inside.clone());
        async move {
            let filter = of(user);
            let call = ViewCall { view: VIEW, filter: Some(&filter), ..ViewCall::default() };
            let (rows, took) = client.view_timed(&call).await?;
            let rank = column(&rows, user, "rank")?;
            if !(1..=users).contains(&rank) {
                return Err(BenchError::Gave(format!("rank {rank} of {users}")));
            }
            let took = took.ok_or_else(|| BenchError::Gave("the server tells no Server-Timing".to_owned()))?;
            inside.lock().unwrap_or_else(PoisonError::into_inner).add(took, 1);
            Ok(())
        }
    })
    .await
}

/// Whether the ranks of some people are the numbers of those ahead, once everything sent is visible.
async fn check(client: &Client, plan: &RankPlan) -> Result<bool, BenchError> {
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let lag = client.rows("SELECT sum(lag) AS lag FROM highwater.streams").await?;
        if lag.first().and_then(|row| row.get("lag")?.as_u64()) == Some(0) {
            break;
        }
        if Instant::now() > deadline {
            return Err(BenchError::Gave("the events were not visible two minutes after the last".to_owned()));
        }
        sleep(Duration::from_millis(50)).await;
    }
    for n in 0..CHECKED {
        let user = SplitMix64::of(plan.walkers.seed, n).below(plan.walkers.users);
        let filter = of(user);
        let rows = client.view(&ViewCall { view: VIEW, filter: Some(&filter), ..ViewCall::default() }).await?;
        let (rank, steps) = (column(&rows, user, "rank")?, column(&rows, user, "steps")?);
        let ahead = format!(
            "SELECT count(*) AS ahead FROM rankmysteps.daily_steps WHERE day = DATE '{DAY}' AND steps > {steps}"
        );
        let ahead = client.rows(&ahead).await?;
        if ahead.first().and_then(|row| row.get("ahead")?.as_u64()) != Some(rank - 1) {
            return Ok(false);
        }
    }
    Ok(true)
}
