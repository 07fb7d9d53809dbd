//! From when an event was due to be sent until every view shows it, at a steady rate, on a view that has all its groups.

use highwater_simulate::{Simulator, UserChoice};

use super::LatencyResult;
use super::pace::{Pace, Paced};
use crate::BenchError;
use crate::server::Server;
use crate::workload::{Walkers, call, fill};

/// How fast, in which pieces, how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LatencyPlan {
    pub(crate) walkers: Walkers,
    pub(crate) rate: u64,
    pub(crate) batch: u64,
    pub(crate) seconds: u64,
}

/// Measures.
pub(crate) async fn latency(server: &Server, plan: &LatencyPlan) -> Result<LatencyResult, BenchError> {
    let batch = plan.batch.clamp(1, plan.rate.max(1));
    fill(&server.client, plan.walkers).await?;
    let before = server.usage().await;
    let pace =
        Pace { per_second: plan.rate as f64 / batch as f64, requests: (plan.rate * plan.seconds).div_ceil(batch) };
    let paced = until_visible(server, plan.walkers.again(1), pace, batch).await?;
    Ok(LatencyResult {
        users: plan.walkers.users,
        events_per_second: plan.rate,
        batch,
        seconds: paced.took.as_secs_f64(),
        visible: paced.latencies.percentiles(),
        failed_requests: paced.failed,
        most_in_flight: paced.most_in_flight,
        usage: server.usage().await - before,
    })
}

/// Sends events of these people at a pace, `batch` a request; each request is answered when every view shows its events.
pub(super) async fn until_visible(
    server: &Server,
    walkers: Walkers,
    pace: Pace,
    batch: u64,
) -> Result<Paced, BenchError> {
    let mut simulator = walkers.events(UserChoice::Drawn)?;
    let client = server.client.clone();
    pace.run(batch, move |_| {
        let mut body = Vec::new();
        simulator.next_batch(batch as usize, &mut body);
        let client = client.clone();
        async move {
            // No stamp: requests overtake each other, which a producer's batches must not.
            client.ingest(&call(body.into(), None, true)).await?;
            Ok(())
        }
    })
    .await
}
