//! Point lookups, due at a steady rate, one after the other on one connection, while events come in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use highwater_client::{Client, RetryPolicy, ViewCall};
use highwater_simulate::{Simulator, SplitMix64, UserChoice};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::LookupResult;
use super::pace::Pace;
use crate::BenchError;
use crate::server::Server;
use crate::workload::{DAY, Walkers, call, fill, joined};

/// Events of a request of the load.
const LOAD_BATCH: u64 = 5_000;
/// Different requests of each connection, sent again and again.
const LOAD_BODIES: u64 = 64;
/// Connections of the load.
pub(crate) const LOAD_CONNECTIONS: u64 = 4;
/// How much the load gives way to the lookups: elsewhere it would come from other machines.
pub(crate) const LOAD_NICENESS: i32 = 10;
/// The measured view.
const VIEW: &str = "rankmysteps.daily_steps";

/// How fast both go, how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LookupPlan {
    pub(crate) walkers: Walkers,
    pub(crate) ingest_rate: u64,
    pub(crate) rate: u64,
    pub(crate) seconds: u64,
}

/// Measures: half of the time by the whole key, half by user alone.
pub(crate) async fn lookup(server: &Server, plan: &LookupPlan) -> Result<LookupResult, BenchError> {
    fill(&server.client, plan.walkers).await?;
    let before = server.usage().await;
    let load = LoadPlan { walkers: plan.walkers, rate: plan.ingest_rate, batch: LOAD_BATCH };
    let load = Load::start(&server.client, load)?;
    let started = Instant::now();
    let pace = Pace { per_second: plan.rate as f64, requests: (plan.rate * plan.seconds / 2).max(1) };
    let by_key = lookups(server, plan, pace, |user| format!("day = DATE '{DAY}' AND uuid = {user}")).await;
    let by_user = lookups(server, plan, pace, |user| format!("uuid = {user}")).await;
    let seconds = started.elapsed().as_secs_f64();
    let stored = load.stop().await?;
    let (by_key, by_user) = (by_key?, by_user?);
    Ok(LookupResult {
        users: plan.walkers.users,
        ingest_events_per_second: plan.ingest_rate,
        stored_events_per_second: stored as f64 / seconds,
        lookups_per_second: plan.rate,
        seconds,
        by_day_and_user: by_key.latencies.percentiles(),
        by_user: by_user.latencies.percentiles(),
        failed_lookups: by_key.failed + by_user.failed,
        usage: server.usage().await - before,
    })
}

async fn lookups(
    server: &Server,
    plan: &LookupPlan,
    pace: Pace,
    condition: impl Fn(u64) -> String + Send + 'static,
) -> Result<super::pace::Paced, BenchError> {
    // Its connections belong to the runtime they are first used in.
    let client = Client::new(server.client.address())?;
    let (users, seed) = (plan.walkers.users, plan.walkers.seed);
    pace.run_in_turn(move |n| {
        let user = SplitMix64::of(seed, n).below(users);
        let (client, filter) = (client.clone(), condition(user));
        async move {
            let call = ViewCall { view: VIEW, filter: Some(&filter), ..ViewCall::default() };
            let rows = client.view(&call).await?;
            match rows.first().and_then(|row| row.get("uuid")?.as_u64()) {
                Some(found) if found == user && rows.len() == 1 => Ok(()),
                _ => Err(BenchError::Gave(format!("{filter} gave {rows:?}"))),
            }
        }
    })
    .await
}

/// Which events come in, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadPlan {
    pub(crate) walkers: Walkers,
    /// Events per second.
    pub(crate) rate: u64,
    /// Events of a request.
    pub(crate) batch: u64,
}

/// Events coming in at a steady rate until stopped, from a thread with a runtime and connections of its own: sending
/// must not hold up the lookups that are measured.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    stored: Arc<AtomicU64>,
    thread: JoinHandle<Result<(), BenchError>>,
}

impl Load {
    pub(crate) fn start(client: &Client, plan: LoadPlan) -> Result<Self, BenchError> {
        // Made beforehand, for the same reason.
        let mut all_bodies = Vec::new();
        for connection in 0..LOAD_CONNECTIONS {
            let mut simulator = plan.walkers.again(2 + connection).events(UserChoice::Drawn)?;
            let bodies = (0..LOAD_BODIES).map(|_| {
                let mut body = Vec::new();
                simulator.next_batch(plan.batch as usize, &mut body);
                Bytes::from(body)
            });
            all_bodies.push(bodies.collect::<Vec<_>>());
        }
        let (stop, stored) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (address, rate) = (client.address().to_owned(), plan.rate as f64);
        let (stopped, counted) = (stop.clone(), stored.clone());
        let thread = std::thread::spawn(move || {
            // On this thread only. Where it is refused, the load holds up the lookups a little.
            let _ = rustix::process::setpriority_process(None, LOAD_NICENESS);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|e| BenchError::process("cannot start a runtime for the load", e))?;
            runtime.block_on(send_until(&address, rate, plan.batch, all_bodies, &stopped, &counted))
        });
        Ok(Self { stop, stored, thread })
    }

    /// Stops, and tells how many events were stored.
    pub(crate) async fn stop(self) -> Result<u64, BenchError> {
        let stored = self.stored.load(Ordering::Relaxed);
        self.stop.store(true, Ordering::Relaxed);
        let ended = tokio::task::spawn_blocking(|| self.thread.join()).await;
        match ended {
            Ok(Ok(outcome)) => outcome.map(|()| stored),
            _ => Err(BenchError::Gave("the thread that sent events ended early".to_owned())),
        }
    }
}

async fn send_until(
    address: &str,
    rate: f64,
    batch: u64,
    all_bodies: Vec<Vec<Bytes>>,
    stop: &Arc<AtomicBool>,
    stored: &Arc<AtomicU64>,
) -> Result<(), BenchError> {
    let client = Client::new(address)?;
    let started = Instant::now();
    let mut connections = JoinSet::new();
    for (connection, bodies) in (0..LOAD_CONNECTIONS).zip(all_bodies) {
        let (client, stop, stored) = (client.clone(), stop.clone(), stored.clone());
        connections.spawn(async move {
            for nth in 0_u64.. {
                let sent = (nth * LOAD_CONNECTIONS + connection) * batch;
                sleep_until(started + Duration::from_secs_f64(sent as f64 / rate)).await;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let body = bodies[nth as usize % bodies.len()].clone();
                client.ingest_with_retries(&call(body, None, false), &RetryPolicy::PATIENT, |_| ()).await?;
                stored.fetch_add(batch, Ordering::Relaxed);
            }
            Ok(())
        });
    }
    joined(connections).await.map(drop)
}
