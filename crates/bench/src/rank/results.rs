//! What `bench rank` measured, for people and programs.

use serde::Serialize;

use crate::{Percentiles, Usage};

/// Rank of one person under load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RankResult {
    /// People ranked.
    pub users: u64,
    /// Events per second meanwhile, asked for.
    pub ingest_events_per_second: u64,
    /// Events per second meanwhile, stored.
    pub stored_events_per_second: f64,
    /// Ranks asked for per second.
    pub asks_per_second: u64,
    /// How long.
    pub seconds: f64,
    /// To build the index over all people, in seconds.
    pub index_build_s: f64,
    /// Bytes of the index for each person.
    pub index_bytes_per_user: f64,
    /// From the request's arrival in the engine until the row is known (`Server-Timing`).
    pub inside_engine: Percentiles,
    /// From when a rank was due to be asked until its row is read, over HTTP.
    pub over_http: Percentiles,
    /// Asks that failed.
    pub failed_asks: u64,
    /// Whether sampled ranks equal a count of those who are ahead, once all events were visible.
    pub exact: bool,
    /// What the server used.
    pub usage: Usage,
    /// The same work of Redis; `None` when `redis-server` was not found.
    pub redis: Option<RedisResult>,
}

/// The same people, updates and questions in a Redis sorted set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RedisResult {
    /// Of the server.
    pub version: String,
    /// Updates per second, done.
    pub updates_per_second: f64,
    /// Execution of `ZREVRANK` alone, by Redis's own `INFO latencystats`: half were faster.
    pub inside_p50_ms: Option<f64>,
    /// 99 %.
    pub inside_p99_ms: Option<f64>,
    /// From when a rank was due to be asked until it is read, over TCP on this machine.
    pub over_tcp: Percentiles,
    /// Asks that failed.
    pub failed_asks: u64,
    /// Memory of Redis for each person.
    pub bytes_per_user: f64,
    /// Highwater's 99 % inside its engine over Redis's.
    pub inside_p99_ratio: Option<f64>,
    /// Highwater's 99 % over HTTP over Redis's over TCP.
    pub outside_p99_ratio: f64,
}

/// What Redis did not do in this run.
const REDIS_DOES_NOT: &str = "Redis kept nothing durable (no AOF, no RDB: a kill loses all), parsed no JSON, took no day from \
    a time, ranked ties by the member's text instead of sharing a rank, and read no row besides the rank";

/// The rows of the table.
pub(crate) fn rows(result: &RankResult, percentiles: &dyn Fn(&Percentiles) -> String) -> Vec<(String, String)> {
    let row = |what: &str, value: String| (what.to_owned(), value);
    let mut rows = vec![
        row("rank, inside the engine", percentiles(&result.inside_engine)),
        row("rank, over HTTP from due", percentiles(&result.over_http)),
        row(
            "load",
            format!(
                "{} ranks/s for {:.1} s beside {} events/s ({:.0} stored), {} users",
                result.asks_per_second,
                result.seconds,
                result.ingest_events_per_second,
                result.stored_events_per_second,
                result.users
            ),
        ),
        row("exact", if result.exact { "yes" } else { "NO: a rank is not the count of those ahead" }.to_owned()),
        row("asks failed", result.failed_asks.to_string()),
        row(
            "index",
            format!("built in {:.2} s, {:.1} bytes a user", result.index_build_s, result.index_bytes_per_user),
        ),
    ];
    let Some(redis) = &result.redis else {
        rows.push(row("Redis", "NOT COMPARED: no redis-server on PATH (apt-get install redis-server)".to_owned()));
        return rows;
    };
    let own = |value: Option<f64>| value.map_or_else(|| "not told".to_owned(), |ms| format!("{ms:.3} ms"));
    rows.push(row(
        "Redis, ZREVRANK executed",
        format!("p50 {}, p99 {}", own(redis.inside_p50_ms), own(redis.inside_p99_ms)),
    ));
    rows.push(row("Redis, over TCP from due", percentiles(&redis.over_tcp)));
    rows.push(row(
        "Redis",
        format!(
            "{}: {:.0} updates/s of {} asked for, {:.1} bytes a user, {} failed",
            redis.version,
            redis.updates_per_second,
            result.ingest_events_per_second,
            redis.bytes_per_user,
            redis.failed_asks
        ),
    ));
    let inside = redis.inside_p99_ratio.map_or_else(|| "not told".to_owned(), |ratio| format!("{ratio:.2}"));
    rows.push(row("p99, Highwater over Redis", format!("{inside} inside, {:.2} outside", redis.outside_p99_ratio)));
    rows.push(row("not the same", REDIS_DOES_NOT.to_owned()));
    rows
}
