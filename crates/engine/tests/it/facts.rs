//! Real step data against an independent oracle: the leaderboards of `FACTS.json`, whatever the order, batches,
//! threads and repetition. The data lies beside the checkout and is not part of it; without it the test says so.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;

use highwater_api::{AuditOutcome, BodyFormat, Engine, IngestRequest, JobKind, JobTarget, ProducerStamp};
use highwater_engine::{EngineSettings, Highwater};

use crate::audits::job;
use crate::support::{open_with, request, sql};

const HOURLY: &str = r#"
CREATE STREAM fitbit_hourly (
    uuid BIGINT NOT NULL PATH '$.Id',
    ts TIMESTAMPTZ NOT NULL PATH '$.ActivityHour' FORMAT '%m/%d/%y %H:%M' ZONE 'America/Los_Angeles',
    steps BIGINT NOT NULL PATH '$.StepTotal'
  ) WITH (partition_by = 'uuid', partitions = 4);
CREATE MATERIALIZED VIEW daily_steps AS
  SELECT (ts AT TIME ZONE 'America/Los_Angeles')::date AS day, uuid, sum(steps) AS steps
  FROM fitbit_hourly GROUP BY 1, 2;
"#;

fn shared() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let there = folder.join("FACTS.json").exists();
    if !there {
        eprintln!("SKIPPED: no real data beside the checkout");
    }
    there.then_some(folder)
}

fn gunzipped(path: PathBuf) -> String {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    text
}

/// Top five of the three days the oracle knows.
async fn leaderboards(engine: &Highwater) -> BTreeMap<String, Vec<(i64, String)>> {
    let rows = sql(engine, "SELECT day, steps, uuid FROM (SELECT *, row_number() OVER (PARTITION BY day ORDER BY steps DESC, uuid) AS place
        FROM daily_steps) WHERE place <= 5 AND day IN (date '2016-04-12', date '2016-04-23', date '2016-05-01')
        ORDER BY day, steps DESC, uuid").await;
    let mut boards: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
    for row in rows {
        let mut cells = row.split('|').map(str::to_owned);
        let (day, steps, uuid) = (cells.next().unwrap(), cells.next().unwrap(), cells.next().unwrap());
        boards.entry(day).or_default().push((steps.parse().unwrap(), uuid));
    }
    boards
}

/// Rows in an order that depends on the seed alone.
fn shuffled(mut rows: Vec<&str>, mut seed: u64) -> Vec<&str> {
    for index in (1..rows.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        rows.swap(index, (seed >> 33) as usize % (index + 1));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn the_leaderboards_of_the_oracle() {
    let Some(folder) = shared() else { return };
    let facts: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("FACTS.json")).unwrap()).unwrap();
    let facts: BTreeMap<String, Vec<(i64, String)>> =
        serde_json::from_value(facts["steps"]["leaderboard_top5_from_hourly"].clone()).unwrap();
    let csv = gunzipped(folder.join("steps/fitabase_hourlySteps_merged.csv.gz"));
    let (header, rows) = csv.split_once('\n').unwrap();
    let rows: Vec<&str> = rows.lines().filter(|line| !line.trim().is_empty()).collect();
    for (threads, batch, seed, twice) in
        [(1, 100_000, None, true), (2, 1_000, Some(1), false), (4, 333, Some(2), true), (2, 1, Some(3), false)]
    {
        let data = tempfile::tempdir().unwrap();
        let mut settings = EngineSettings::new(data.path());
        settings.threads = threads;
        let engine = open_with(settings).await;
        sql(&engine, HOURLY).await;
        let rows = seed.map_or_else(|| rows.clone(), |seed| shuffled(rows.clone(), seed));
        for _ in 0..=usize::from(twice) {
            let sends = rows.chunks(batch).enumerate().map(|(sequence, rows)| {
                let stamp = Some(ProducerStamp { producer: "fitbit".to_owned(), sequence: sequence as u64 });
                let body = format!("{header}\n{}\n", rows.join("\n"));
                engine.ingest(IngestRequest {
                    stamp,
                    wait_visible: false,
                    ..request("fitbit_hourly", BodyFormat::Csv, body)
                })
            });
            // In order, for sequences have no gaps; many in flight, for batches of one row share an fsync.
            use futures::StreamExt;
            let reports: Vec<_> =
                futures::stream::iter(sends).buffered(if batch == 1 { 64 } else { 1 }).collect().await;
            assert!(reports.into_iter().all(|report| report.unwrap().rejected == 0));
        }
        engine.ingest(request("fitbit_hourly", BodyFormat::NdJson, "")).await.unwrap();
        let mut total = sql(&engine, "SELECT count(*) FROM fitbit_hourly").await;
        while total != [rows.len().to_string()] {
            tokio::task::yield_now().await;
            total = sql(&engine, "SELECT count(*) FROM fitbit_hourly").await;
        }
        assert_eq!(leaderboards(&engine).await, facts, "threads {threads}, batches of {batch}");
        let sum = sql(&engine, "SELECT sum(steps), count(*) FROM daily_steps").await;
        assert!(sum[0].starts_with("5235692|"), "{sum:?}");
        let audits = job(&engine, JobKind::Audit, JobTarget::All).await;
        assert!(audits.iter().all(|audit| audit.outcome == AuditOutcome::Equal), "{audits:#?}");
    }
}
