//! The same work in a Redis of our own: people in a sorted set, their steps added by pipelined `ZINCRBY` at the same rate,
//! ranks asked for by `ZREVRANK`. Nothing is kept on disk.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use highwater_simulate::{SplitMix64, UserChoice};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::RedisResult;
use super::measure::RankPlan;
use super::resp::{Connection, Reply, command};
use crate::measure::{LOAD_CONNECTIONS, LOAD_NICENESS, Pace};
use crate::workload::{Bodies, DAY, Walkers};
use crate::{BenchError, Percentiles};

/// Commands of one pipeline while the set is filled.
const FILL_BATCH: u64 = 10_000;
/// Different pipelines of the load, sent again and again.
const LOAD_PIPELINES: u64 = 256;

/// The server's executable, if there is one.
pub(super) fn executable() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("redis-server")).find(|file| file.is_file())
}

/// Measures; `inside` and `outside` are what Highwater needed for the same.
pub(super) async fn redis(
    executable: &Path,
    plan: &RankPlan,
    inside: &Percentiles,
    outside: &Percentiles,
) -> Result<RedisResult, BenchError> {
    let (child, port) = start(executable).await?;
    let outcome = measure(port, plan).await;
    drop(child);
    let mut result = outcome?;
    let ratio = |own: f64, other: f64| own / other.max(0.001);
    result.inside_p99_ratio = result.inside_p99_ms.map(|other| ratio(inside.p99_ms, other));
    result.outside_p99_ratio = ratio(outside.p99_ms, result.over_tcp.p99_ms);
    Ok(result)
}

fn lost(error: std::io::Error) -> BenchError {
    BenchError::process("talking to Redis", error)
}

/// A server that keeps nothing, on a free port; killed when dropped.
async fn start(executable: &Path) -> Result<(Child, u16), BenchError> {
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.map_err(lost)?.port();
    let mut command = Command::new(executable);
    command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let child = command.spawn().map_err(|e| BenchError::process("cannot start redis-server", e))?;
    for _ in 0..500 {
        if let Ok(mut connection) = Connection::open(port).await
            && connection.ask(&["PING"]).await.is_ok()
        {
            return Ok((child, port));
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err(BenchError::Gave("redis-server did not answer in 10 s".to_owned()))
}

async fn measure(port: u16, plan: &RankPlan) -> Result<RedisResult, BenchError> {
    let mut control = Connection::open(port).await.map_err(lost)?;
    let empty = number(&info(&mut control, "memory").await?, "used_memory:").unwrap_or(0.0);
    for (pipeline, count) in pipelines(plan.walkers, UserChoice::InTurn, plan.walkers.users, FILL_BATCH)? {
        control.send(&pipeline).await.map_err(lost)?;
        for _ in 0..count {
            control.reply().await.map_err(lost)?;
        }
    }
    let filled = number(&info(&mut control, "memory").await?, "used_memory:").unwrap_or(0.0);
    let (stop, done) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
    let events = LOAD_PIPELINES * plan.batch;
    let load = pipelines(plan.walkers.again(2), UserChoice::Drawn, events, plan.batch)?;
    let (rate, stopped, counted) = (plan.rate as f64, stop.clone(), done.clone());
    let load = std::thread::spawn(move || update(port, rate, &load, &stopped, &counted));
    let started = Instant::now();
    let asked = ask(port, plan).await;
    let seconds = started.elapsed().as_secs_f64();
    let updates = done.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    let ended = tokio::task::spawn_blocking(|| load.join()).await;
    ended
        .ok()
        .and_then(Result::ok)
        .unwrap_or_else(|| Err(BenchError::Gave("the load of Redis ended early".to_owned())))?;
    let asked = asked?;
    let own = info(&mut control, "latencystats").await?;
    let own = own.lines().find(|line| line.starts_with("latency_percentiles_usec_zrevrank:")).unwrap_or_default();
    let of = |name: &str| number(own, name).map(|us| us / 1000.0);
    let server = info(&mut control, "server").await?;
    let version = server.lines().find_map(|line| line.strip_prefix("redis_version:")).unwrap_or("unknown");
    Ok(RedisResult {
        version: format!("Redis {}", version.trim()),
        updates_per_second: updates as f64 / seconds,
        inside_p50_ms: of("p50="),
        inside_p99_ms: of("p99="),
        over_tcp: asked.latencies.percentiles(),
        failed_asks: asked.failed,
        bytes_per_user: (filled - empty) / plan.walkers.users as f64,
        inside_p99_ratio: None,
        outside_p99_ratio: 0.0,
    })
}

/// Ranks asked for in turn on one connection.
async fn ask(port: u16, plan: &RankPlan) -> Result<crate::measure::Paced, BenchError> {
    let pace = Pace { per_second: plan.asks as f64, requests: (plan.asks * plan.seconds).max(1) };
    let (users, seed) = (plan.walkers.users, plan.walkers.seed);
    // Opened in the runtime that uses it.
    let connection: Arc<Mutex<Option<Connection>>> = Arc::default();
    pace.run_in_turn(move |n| {
        let user = SplitMix64::of(seed, n).below(users).to_string();
        let connection = connection.clone();
        async move {
            let mut held = connection.lock().await;
            if held.is_none() {
                *held = Some(Connection::open(port).await.map_err(lost)?);
            }
            let Some(open) = held.as_mut() else { return Ok(()) };
            match open.ask(&["ZREVRANK", DAY, &user]).await.map_err(lost)? {
                Reply::Integer(_) => Ok(()),
                other => Err(BenchError::Gave(format!("ZREVRANK gave {other:?}"))),
            }
        }
    })
    .await
}

/// Sends updates at a steady rate until told to stop, from a thread that gives way as Highwater's load does.
fn update(
    port: u16,
    rate: f64,
    pipelines: &[(Vec<u8>, u64)],
    stop: &AtomicBool,
    done: &AtomicU64,
) -> Result<(), BenchError> {
    let _ = rustix::process::setpriority_process(None, LOAD_NICENESS);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|e| BenchError::process("cannot start a runtime for the load", e))?;
    runtime.block_on(async {
        let started = Instant::now();
        let connections = (0..LOAD_CONNECTIONS as usize).map(|nth| async move {
            let mut connection = Connection::open(port).await.map_err(lost)?;
            for (turn, (pipeline, count)) in
                pipelines.iter().cycle().skip(nth).step_by(LOAD_CONNECTIONS as usize).enumerate()
            {
                let sent = (turn as u64 * LOAD_CONNECTIONS + nth as u64) * count;
                sleep_until(started + Duration::from_secs_f64(sent as f64 / rate)).await;
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                connection.send(pipeline).await.map_err(lost)?;
                for _ in 0..*count {
                    connection.reply().await.map_err(lost)?;
                }
                done.fetch_add(*count, Ordering::Relaxed);
            }
            Ok(())
        });
        futures::future::try_join_all(connections).await.map(drop)
    })
}

/// The events that Highwater gets, as `ZINCRBY day steps uuid`.
fn pipelines(walkers: Walkers, choice: UserChoice, events: u64, batch: u64) -> Result<Vec<(Vec<u8>, u64)>, BenchError> {
    let bodies = Bodies::make(walkers, choice, events, batch)?;
    let mut pipelines = Vec::with_capacity(bodies.bodies.len());
    for (body, count) in bodies.bodies {
        let mut out = Vec::new();
        for event in serde_json::Deserializer::from_slice(&body).into_iter::<serde_json::Value>() {
            let event = event.map_err(|e| BenchError::Gave(format!("an event is no JSON: {e}")))?;
            command(&mut out, &["ZINCRBY", DAY, &event["steps"].to_string(), &event["uuid"].to_string()]);
        }
        pipelines.push((out, count));
    }
    Ok(pipelines)
}

async fn info(connection: &mut Connection, section: &str) -> Result<String, BenchError> {
    match connection.ask(&["INFO", section]).await.map_err(lost)? {
        Reply::Text(text) => Ok(text),
        other => Err(BenchError::Gave(format!("INFO gave {other:?}"))),
    }
}

/// The number behind a name.
fn number(text: &str, name: &str) -> Option<f64> {
    let from = text.find(name)? + name.len();
    let digits = text[from..].split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    digits.parse().ok()
}
