//! Audits and recomputations: views of every shape are equal to their history at random moments under load; what is
//! wrong is found, shown row by row, and put right.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use highwater_api::{
    AuditOutcome, AuditResult, BodyFormat, DifferenceKind, Engine, ErrorKind, JobKind, JobRequest, JobState, JobTarget,
};
use highwater_engine::{EngineSettings, Highwater};
use highwater_model::{Clock, SystemClock};

use crate::support::{ingest, ingest_stamped, open, open_with, request, sql, try_sql};

const WORLD: &str = "
CREATE STREAM clicks (k BIGINT NOT NULL, g TEXT, i BIGINT, f DOUBLE, b BOOLEAN, ts TIMESTAMPTZ NOT NULL)
  WITH (partition_by = 'k', event_time = 'ts', partitions = 3);
CREATE STREAM people (id BIGINT PRIMARY KEY, name TEXT, score DOUBLE, v BIGINT, gone BOOLEAN)
  WITH (version = 'v', deleted = 'gone', partitions = 2);
CREATE TABLE cities (g TEXT PRIMARY KEY, city TEXT, weight DOUBLE);
INSERT INTO cities VALUES ('a', 'Aachen', 1.5), ('b', 'Berlin', 0.1), ('c', 'Cairo', -3.25);
CREATE MATERIALIZED VIEW by_group AS
  SELECT g, count(*) AS n, count(i) AS ci, sum(i) AS si, sum(f) AS sf, avg(f) AS af, min(f) AS mf, max(i) AS mi,
         stddev(f) AS sd, count(DISTINCT i) AS di, approx_distinct(k) AS ak, bool_or(b) AS bo, array_agg(i) AS list,
         first_value(k ORDER BY ts) AS fk, median(f) AS md
  FROM clicks GROUP BY g;
CREATE MATERIALIZED VIEW all_of_it AS SELECT count(*) AS n, sum(f) AS s FROM clicks;
CREATE MATERIALIZED VIEW hourly AS
  SELECT g, window_start, window_end, count(*) AS n, sum(f) AS s FROM TUMBLE(clicks, ts, INTERVAL '1 hour')
  GROUP BY g, window_start, window_end;
CREATE MATERIALIZED VIEW sessions AS
  SELECT k, window_start, window_end, count(*) AS n FROM SESSION(clicks, ts, INTERVAL '10 minutes', k)
  GROUP BY k, window_start, window_end;
CREATE MATERIALIZED VIEW top AS SELECT k, i, b FROM clicks ORDER BY i DESC NULLS LAST LIMIT 7;
CREATE MATERIALIZED VIEW ranked AS
  SELECT k, g, i, rn FROM (SELECT k, g, i, row_number() OVER (PARTITION BY g ORDER BY i DESC) AS rn FROM clicks) x
  WHERE rn <= 3;
CREATE MATERIALIZED VIEW newest AS SELECT DISTINCT ON (g) g, k, ts FROM clicks ORDER BY g, ts DESC;
CREATE MATERIALIZED VIEW steps_between AS
  SELECT k, ts, i, lag(i) OVER (PARTITION BY k ORDER BY ts) AS before, rank() OVER (PARTITION BY k ORDER BY ts) AS r
  FROM clicks;
CREATE MATERIALIZED VIEW looked_up AS
  SELECT c.g, x.city, sum(c.f * x.weight) AS s, count(*) AS n FROM clicks c JOIN cities x ON c.g = x.g GROUP BY c.g, x.city;
CREATE MATERIALIZED VIEW names AS SELECT name, count(*) AS n, sum(score) AS s FROM people GROUP BY name;
CREATE MATERIALIZED VIEW met AS
  SELECT p.name, c.i, x.city FROM people p JOIN clicks c ON c.k = p.id LEFT JOIN cities x ON x.g = p.name;
CREATE MATERIALIZED VIEW recent AS SELECT k, g, ts FROM clicks WHERE ts > now() - INTERVAL '1 hour';
CREATE MATERIALIZED VIEW kept WITH (retain = '2 hours') AS
  SELECT g, window_start, window_end, count(*) AS n FROM TUMBLE(clicks, ts, INTERVAL '30 minutes')
  GROUP BY g, window_start, window_end;
CREATE MATERIALIZED VIEW on_views AS SELECT city, max(s) AS s, sum(n) AS n FROM looked_up GROUP BY city;
CREATE MATERIALIZED VIEW on_kept AS SELECT g, sum(n) AS n FROM kept GROUP BY g;
CREATE MATERIALIZED VIEW mixed AS SELECT g AS word FROM clicks UNION ALL SELECT name FROM people;
CREATE MATERIALIZED VIEW messages AS SELECT id, count(*) AS n FROM HISTORY(people) GROUP BY id;
";

/// Numbers that follow from a seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn word(&mut self) -> &'static str {
        ["\"a\"", "\"b\"", "\"c\"", "\"d\"", "null"][self.below(5) as usize]
    }

    fn float(&mut self) -> String {
        match self.below(8) {
            0 => "null".to_owned(),
            1 => "-0.0".to_owned(),
            2 => "1e300".to_owned(),
            3 => "-1e300".to_owned(),
            _ => format!("{}", self.below(1_000) as f64 / 7.0),
        }
    }

    fn click(&mut self, now: i64) -> String {
        let minutes = self.below(400) as i64 - 380;
        let ts = chrono::DateTime::from_timestamp_micros(now + minutes * 60_000_000).unwrap().to_rfc3339();
        let (k, g, f) = (self.below(9), self.word(), self.float());
        let i = if self.below(6) == 0 { "null".to_owned() } else { self.below(12).to_string() };
        format!("{{\"k\":{k},\"g\":{g},\"i\":{i},\"f\":{f},\"b\":{},\"ts\":\"{ts}\"}}\n", self.below(2) == 0)
    }

    fn person(&mut self) -> String {
        let (id, name, v) = (self.below(12), self.word(), self.below(20));
        let (score, gone) = (self.float(), self.below(5) == 0);
        format!("{{\"id\":{id},\"name\":{name},\"score\":{score},\"v\":{v},\"gone\":{gone}}}\n")
    }
}

pub async fn job(engine: &Highwater, kind: JobKind, target: JobTarget) -> Vec<AuditResult> {
    let job = engine.start_job(JobRequest { kind, target, schema: None }).await.unwrap();
    let job = engine.await_job(job.id).await.unwrap();
    assert_eq!(job.state, JobState::Done);
    job.results
}

#[track_caller]
fn all_equal(results: &[AuditResult], note: &str) {
    let wrong: Vec<_> = results.iter().filter(|result| result.outcome != AuditOutcome::Equal).collect();
    assert!(wrong.is_empty(), "{note}: {wrong:#?}");
}

/// Audits of each seed under load: `HIGHWATER_AUDITS`, 3 unless told.
fn rounds() -> u64 {
    std::env::var("HIGHWATER_AUDITS").map_or(3, |rounds| rounds.parse().unwrap())
}

/// Sends random events, some of them twice, changes the table, and replaces a view by another definition of itself.
async fn disturb(engine: &Highwater, seed: u64, stop: &AtomicBool) {
    let mut random = Random(seed);
    let mut sequence = 0;
    while !stop.load(Ordering::Relaxed) {
        let now = SystemClock.now_micros();
        let clicks: String = (0..random.below(40)).map(|_| random.click(now)).collect();
        for _ in 0..=random.below(2) {
            ingest_stamped(engine, "clicks", &clicks, "p", sequence).await.unwrap();
        }
        sequence += 1;
        if random.below(3) == 0 {
            engine.archive_now().await.unwrap();
        }
        let people: String = (0..random.below(10)).map(|_| random.person()).collect();
        ingest(engine, "people", &people).await;
        if random.below(4) == 0 {
            let weight = random.below(100) as f64 / 3.0;
            let change = match random.below(3) {
                0 => "DELETE FROM cities WHERE g = 'd'".to_owned(),
                1 => format!("INSERT INTO cities VALUES ('d', 'Dover', {weight})"),
                _ => format!("UPDATE cities SET weight = {weight} WHERE g = 'b'"),
            };
            // The row may be there already.
            drop(try_sql(engine, &change).await);
        }
        if random.below(4) == 0 {
            let definition = "SELECT count(*) AS n, sum(f) AS s";
            let replace =
                format!("CREATE OR REPLACE MATERIALIZED VIEW all_of_it AS {definition}, {sequence} AS d FROM clicks");
            sql(engine, &replace).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_of_every_shape_equal_their_history_under_load() {
    for seed in 1..=2 {
        let folder = tempfile::tempdir().unwrap();
        let engine = Arc::new(open(folder.path()).await);
        sql(&engine, WORLD).await;
        all_equal(&job(&engine, JobKind::Audit, JobTarget::All).await, "empty");
        let stop = Arc::new(AtomicBool::new(false));
        let (owner, flag) = (Arc::clone(&engine), Arc::clone(&stop));
        let load = tokio::spawn(async move { disturb(&owner, seed, &flag).await });
        let mut random = Random(seed + 100);
        let mut moments = tokio::time::interval(Duration::from_millis(1));
        for round in 0..rounds() {
            // Any instant will do.
            for _ in 0..random.below(60) {
                moments.tick().await;
            }
            let kind = if round % 3 == 1 { JobKind::Recompute } else { JobKind::Audit };
            all_equal(&job(&engine, kind, JobTarget::All).await, &format!("seed {seed}, round {round}"));
        }
        stop.store(true, Ordering::Relaxed);
        load.await.unwrap();
        let results = job(&engine, JobKind::Audit, JobTarget::All).await;
        all_equal(&results, &format!("seed {seed}, at rest"));
        assert!(results.iter().any(|result| result.relation == "public.people" && result.rows > 0), "{results:#?}");
        engine.close().await;
        drop(engine);
        // Restored from a checkpoint, the rest of the log on top.
        let engine = open(folder.path()).await;
        all_equal(&job(&engine, JobKind::Audit, JobTarget::All).await, &format!("seed {seed}, after a restart"));
        assert!(sql(&engine, "SELECT count(*) > 80 FROM highwater.audits").await == ["true"], "they are kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_log_let_go_of_is_computed_from_the_archive() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = EngineSettings::new(folder.path());
    settings.log.segment_bytes = 4_096;
    settings.checkpoint_interval = Duration::from_millis(20);
    let engine = open_with(settings).await;
    let world = WORLD.replace("partitions = 3", "partitions = 3, retention_bytes = '1'");
    sql(&engine, &world.replace("partitions = 2", "partitions = 2, retention_bytes = '1'")).await;
    let (mut random, now) = (Random(7), SystemClock.now_micros());
    let mut marks = Vec::new();
    for _ in 0..4 {
        for _ in 0..8 {
            ingest(&engine, "clicks", &(0..60).map(|_| random.click(now)).collect::<String>()).await;
            ingest(&engine, "people", &(0..60).map(|_| random.person()).collect::<String>()).await;
        }
        let mark =
            sql(&engine, "AUDIT by_group, names; SELECT name, mark FROM highwater.audits ORDER BY audit DESC LIMIT 2")
                .await;
        let rows = sql(&engine, "SELECT g, n, sf FROM by_group ORDER BY g NULLS FIRST").await;
        let names = sql(&engine, "SELECT name, n, s FROM names ORDER BY name NULLS FIRST").await;
        marks.push((mark, rows, names));
        engine.archive_now().await.unwrap();
    }
    let limit = tokio::time::Instant::now() + Duration::from_secs(60);
    let held = "SELECT count(*) FROM highwater.partitions WHERE earliest = 0 AND next > 0 AND stream <> 'cities'";
    let mut checkpoints = tokio::time::interval(Duration::from_millis(20));
    while sql(&engine, held).await != ["0"] {
        assert!(tokio::time::Instant::now() < limit, "the log lets go of nothing");
        checkpoints.tick().await;
        engine.archive_now().await.unwrap();
    }
    all_equal(&job(&engine, JobKind::Recompute, JobTarget::All).await, "from the archive");
    all_equal(&job(&engine, JobKind::Audit, JobTarget::All).await, "from the archive");
    for (mark, rows, names) in marks {
        let at = |name: &str| mark.iter().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let past = format!("FOR SYSTEM_TIME AS OF OFFSETS('{}')", at("by_group|"));
        assert_eq!(sql(&engine, &format!("SELECT g, n, sf FROM by_group {past} ORDER BY g NULLS FIRST")).await, rows);
        let past = format!("FOR SYSTEM_TIME AS OF OFFSETS('{}')", at("names|"));
        assert_eq!(
            sql(&engine, &format!("SELECT name, n, s FROM names {past} ORDER BY name NULLS FIRST")).await,
            names
        );
    }
}

/// Lets an engine start from the state of another one, of the same offsets and other events: what it serves is wrong.
async fn corrupt(folder: &Path, mine: &str, other: &str) -> Highwater {
    let elsewhere = tempfile::tempdir().unwrap();
    for (data, events) in [(folder, mine), (elsewhere.path(), other)] {
        let engine = open(data).await;
        sql(&engine, SMALL).await;
        for event in events.lines() {
            ingest(&engine, "s", event).await;
        }
        engine.close().await;
    }
    std::fs::remove_dir_all(folder.join("state")).unwrap();
    std::fs::rename(elsewhere.path().join("state"), folder.join("state")).unwrap();
    open(folder).await
}

const SMALL: &str = "
CREATE STREAM s (k TEXT NOT NULL, v DOUBLE, note TEXT);
CREATE MATERIALIZED VIEW sums AS SELECT k, sum(v) AS v FROM s GROUP BY k;
CREATE MATERIALIZED VIEW notes AS SELECT note FROM s;
CREATE MATERIALIZED VIEW of_sums AS SELECT count(*) AS n, max(v) AS v FROM sums;
";
const MINE: &str = r#"{"k":"a","v":1.5,"note":"x"}
{"k":"b","v":2,"note":"y"}
{"k":"c","v":3,"note":"x"}"#;
const OTHER: &str = r#"{"k":"a","v":1.5,"note":"x"}
{"k":"b","v":2.5,"note":"y"}
{"k":"d","v":3,"note":"z"}"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_found_and_shown_and_put_right() {
    let folder = tempfile::tempdir().unwrap();
    let engine = corrupt(folder.path(), MINE, OTHER).await;
    assert_eq!(sql(&engine, "SELECT * FROM sums ORDER BY k").await, ["a|1.5", "b|2.5", "d|3.0"]);

    let results = job(&engine, JobKind::Audit, JobTarget::Relations(vec!["sums".to_owned()])).await;
    let [result] = results.as_slice() else { panic!("{results:?}") };
    assert_eq!((result.outcome, result.rows, result.recomputed_rows), (AuditOutcome::Different, 3, 3));
    assert_eq!((result.missing, result.extra, result.different), (1, 1, 1));
    let kinds: Vec<_> = result.differences.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [DifferenceKind::Different, DifferenceKind::Missing, DifferenceKind::Extra]);
    let shown =
        sql(&engine, "SELECT difference, key, live, recomputed FROM highwater.audit_rows ORDER BY difference").await;
    assert_eq!(
        shown,
        [
            r#"different|{"k":"b"}|{"k":"b","v":"2.5"}|{"k":"b","v":"2.0"}"#,
            r#"extra|{"k":"d"}|{"k":"d","v":"3.0"}|NULL"#,
            r#"missing|{"k":"c"}|NULL|{"k":"c","v":"3.0"}"#,
        ]
    );
    // Rows without a key are counted.
    let answer = sql(&engine, "AUDIT VIEW notes").await;
    assert!(answer[0].starts_with("public|notes|audit|different|3|3|1|1|0|"), "{answer:?}");
    let audits = "SELECT name, kind, status FROM highwater.audits ORDER BY audit";
    assert_eq!(sql(&engine, audits).await, ["sums|audit|different", "notes|audit|different"]);

    let answer = sql(&engine, "RECOMPUTE ALL").await;
    assert_eq!(answer.len(), 3, "{answer:?}");
    assert!(answer.iter().all(|line| line.contains("|recompute|")), "{answer:?}");
    assert_eq!(sql(&engine, "SELECT * FROM sums ORDER BY k").await, ["a|1.5", "b|2.0", "c|3.0"]);
    assert_eq!(sql(&engine, "SELECT * FROM of_sums").await, ["3|3.0"]);
    all_equal(&job(&engine, JobKind::Audit, JobTarget::All).await, "put right");
    let marks = sql(&engine, "SELECT name, mark, batch_rows, audit FROM highwater.views ORDER BY name").await;
    assert_eq!(marks, ["notes|public.s 3|3|equal", "of_sums|public.s 3|1|equal", "sums|public.s 3|3|equal"]);

    // What was found and computed outlives a restart; a result that is damaged is set aside.
    engine.close().await;
    drop(engine);
    let newest = folder.path().join("batch");
    let views: Vec<_> = std::fs::read_dir(&newest).unwrap().map(|view| view.unwrap().path()).collect();
    assert_eq!(views.len(), 3);
    for view in &views {
        std::fs::create_dir(view.join("new-9")).unwrap();
    }
    let manifest = views[0].join("1").join("manifest.json");
    std::fs::write(&manifest, std::fs::read_to_string(&manifest).unwrap().replace("rows", "cows")).unwrap();
    let engine = open(folder.path()).await;
    assert_eq!(sql(&engine, "SELECT count(*) FROM highwater.views WHERE mark IS NOT NULL").await, ["2"]);
    assert!(!views[0].join("1").exists() && views[0].join("aside-1").exists() && !views[1].join("new-9").exists());
    assert_eq!(sql(&engine, "SELECT count(*) FROM highwater.audits WHERE status = 'different'").await, ["4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_refused_cancelled_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    let none = JobRequest { kind: JobKind::Audit, target: JobTarget::All, schema: None };
    assert_eq!(engine.start_job(none.clone()).await.unwrap_err().kind, ErrorKind::NotFound);
    sql(&engine, SMALL).await;
    sql(&engine, "CREATE VIEW plain AS SELECT k FROM s").await;
    for (statement, part) in [
        ("AUDIT nothing", "nothing"),
        ("AUDIT plain", "is a plain view"),
        ("AUDIT s", "holds no rows of its own"),
        ("RECOMPUTE s", "batch results are kept of materialized views"),
        ("AUDIT APP nowhere", "nowhere"),
        ("CANCEL JOB 99", "there is no job 99"),
    ] {
        let error = try_sql(&engine, statement).await.unwrap_err();
        assert!(error.message.contains(part), "{statement}: {error}");
    }
    let events: String = (0..20_000).map(|n| format!("{{\"k\":\"{}\",\"v\":{n}}}\n", n % 7_919)).collect();
    ingest(&engine, "s", &events).await;
    let job = engine.start_job(none).await.unwrap();
    let cancelled = engine.cancel_job(job.id).await.unwrap();
    assert!(cancelled.state.is_over());
    // The statement waits its turn, and its own job is not disturbed by the one that was given up.
    let answer = sql(&engine, "AUDIT sums, notes").await;
    assert_eq!(answer.len(), 2, "{answer:?}");
    assert!(answer.iter().all(|line| line.contains("|equal|")), "{answer:?}");
    let jobs = sql(&engine, "SELECT job, kind, state, progress, done FROM highwater.jobs ORDER BY job").await;
    assert_eq!(jobs.last().unwrap(), &format!("{}|audit|done|1.0|2", job.id + 1));
}

/// Runs the statements of a file of the SQL corpus; gives what differs from its history after each of them that sends
/// events, and in the end.
async fn audit_corpus(file: &Path) -> Vec<AuditResult> {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    let text = std::fs::read_to_string(file).unwrap();
    let blocks = text.split("\n\n").map(|block| {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
        lines.join("\n")
    });
    let mut wrong = Vec::new();
    let keep = |results: Vec<AuditResult>| results.into_iter().filter(|result| result.outcome != AuditOutcome::Equal);
    for block in blocks {
        let Some(("statement ok", statement)) = block.split_once('\n') else { continue };
        match statement.strip_prefix("INGEST ") {
            None => drop(sql(&engine, statement).await),
            Some(rest) => {
                let (head, body) = rest.split_once('\n').unwrap();
                let (stream, format) = head.split_once(' ').unwrap();
                let format = match format {
                    "ndjson" => BodyFormat::NdJson,
                    "json" => BodyFormat::Json,
                    "csv" => BodyFormat::Csv,
                    _ => BodyFormat::Text,
                };
                engine.ingest(request(stream, format, body.to_owned())).await.unwrap();
            }
        }
        if engine.status().views.is_empty() {
            continue;
        }
        wrong.extend(keep(job(&engine, JobKind::Audit, JobTarget::All).await));
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_of_the_corpus_equal_their_history() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<_> = std::fs::read_dir(corpus).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    for file in files {
        let wrong = audit_corpus(&file).await;
        assert!(wrong.is_empty(), "{}: {wrong:#?}", file.display());
    }
}

/// A recomputation that the process ended in the middle of is gone on with, with the views that were left.
#[tokio::test(flavor = "multi_thread")]
async fn a_recomputation_is_gone_on_with_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, WORLD).await;
    let views = sql(&engine, "SELECT count(*) FROM highwater.views").await;
    let mut random = Random(11);
    for _ in 0..20 {
        let now = SystemClock.now_micros();
        ingest(&engine, "clicks", &(0..500).map(|_| random.click(now)).collect::<String>()).await;
    }
    let all = JobRequest { kind: JobKind::Recompute, target: JobTarget::All, schema: None };
    let job = engine.start_job(all).await.unwrap();
    let now = |engine: &Highwater| engine.jobs().into_iter().find(|listed| listed.id == job.id).unwrap();
    let mut moments = tokio::time::interval(Duration::from_millis(1));
    while now(&engine).results.is_empty() {
        moments.tick().await;
    }
    engine.close().await;
    let done = now(&engine).results.len();
    drop(engine);
    let engine = open(folder.path()).await;
    let limit = tokio::time::Instant::now() + Duration::from_secs(120);
    while sql(&engine, "SELECT count(*) FROM highwater.views WHERE mark IS NOT NULL").await != views {
        assert!(tokio::time::Instant::now() < limit, "{:?}", engine.jobs());
        moments.tick().await;
    }
    let jobs = engine.jobs();
    assert!(jobs.iter().all(|again| again.relations as usize + done == views[0].parse::<usize>().unwrap()), "{jobs:?}");
    // And only once.
    let again = jobs.last().unwrap().id;
    engine.await_job(again).await.unwrap();
    engine.close().await;
    drop(engine);
    let engine = open(folder.path()).await;
    assert!(engine.jobs().is_empty());
}
