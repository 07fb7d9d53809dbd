//! Time to visible at a steady rate while another view is built from a long history.

use highwater_client::{AnswerFormat, SqlCall};
use tokio::time::Instant;

use super::latency::until_visible;
use super::pace::Pace;
use super::{BackfillResult, history};
use crate::BenchError;
use crate::percentiles::Latencies;
use crate::server::Server;
use crate::workload::{Walkers, fill};

/// How fast, in which pieces, how long a history.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackfillPlan {
    pub(crate) walkers: Walkers,
    pub(crate) events: u64,
    pub(crate) rate: u64,
    pub(crate) batch: u64,
}

/// Seconds that are measured before the view is declared, and at least while it is built.
const PIECE_SECONDS: u64 = 1;
const BEFORE_PIECES: u64 = 5;

const VIEW: &str = "CREATE MATERIALIZED VIEW rankmysteps.by_user AS SELECT uuid, count(*) AS events, sum(steps) AS steps, \
                    max(ts) AS last FROM rankmysteps.steps GROUP BY uuid";

/// Measures.
pub(crate) async fn backfill(server: &Server, plan: &BackfillPlan) -> Result<BackfillResult, BenchError> {
    let batch = plan.batch.clamp(1, plan.rate.max(1));
    let pieces = BackfillPlan { batch, ..*plan };
    fill(&server.client, plan.walkers).await?;
    history::store(&server.client, plan.walkers, plan.events).await?;
    let before = server.usage().await;
    let mut alone = Latencies::new()?;
    for piece in 0..BEFORE_PIECES {
        measure(server, &pieces, piece, &mut alone).await?;
    }
    let client = server.client.clone();
    let began = Instant::now();
    let building = tokio::spawn(async move {
        client.sql(&SqlCall { sql: VIEW, schema: None }, AnswerFormat::Json).await.map(|_| began.elapsed())
    });
    let mut meanwhile = Latencies::new()?;
    let mut piece = BEFORE_PIECES;
    while !building.is_finished() {
        measure(server, &pieces, piece, &mut meanwhile).await?;
        piece += 1;
    }
    let built = building.await.map_err(|e| BenchError::process("building ended", std::io::Error::other(e)))??;
    let usage = server.usage().await - before;
    Ok(BackfillResult {
        users: plan.walkers.users,
        history_events: plan.events,
        events_per_second: plan.rate,
        built_s: built.as_secs_f64(),
        history_events_per_second: plan.events as f64 / built.as_secs_f64(),
        alone: alone.percentiles(),
        meanwhile: meanwhile.percentiles(),
        exact: history::equals_history(&server.client, "AUDIT rankmysteps.by_user, rankmysteps.daily_steps").await?,
        usage,
    })
}

/// A second of events.
async fn measure(server: &Server, plan: &BackfillPlan, piece: u64, into: &mut Latencies) -> Result<(), BenchError> {
    let requests = (plan.rate * PIECE_SECONDS).div_ceil(plan.batch);
    let pace = Pace { per_second: plan.rate as f64 / plan.batch as f64, requests };
    let paced = until_visible(server, plan.walkers.again(100 + piece), pace, plan.batch).await?;
    if paced.failed > 0 {
        return Err(BenchError::Gave(format!("{} requests failed", paced.failed)));
    }
    into.take(&paced.latencies)
}
