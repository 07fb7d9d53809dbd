//! Feeders: one task a lane, sending its next batch until the server is killed. A batch that was not acknowledged is sent
//! again with the same stamp after the next start.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use highwater_api::{BodyFormat, ProducerStamp};
use highwater_client::{Client, ClientError, IngestCall};
use tokio::task::JoinSet;

use super::event;
use super::ledger::Ledger;
use crate::TestkitError;

/// Running feeders.
#[derive(Debug)]
pub(super) struct Feeders {
    tasks: JoinSet<Result<(), TestkitError>>,
}

impl Feeders {
    /// Starts a feeder for every lane.
    pub(super) fn start(ledger: &Arc<Ledger>, client: &Client) -> Self {
        let mut tasks = JoinSet::new();
        for lane in 0..ledger.lanes.len() {
            let (ledger, client) = (Arc::clone(ledger), client.clone());
            tasks.spawn(async move {
                loop {
                    match send_next(&ledger, lane, &client, false).await {
                        Ok(()) => {}
                        Err(_) if ledger.killing() => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
            });
        }
        Self { tasks }
    }

    /// Waits until all have noticed that the server is gone.
    pub(super) async fn join(mut self) -> Result<(), TestkitError> {
        while let Some(ended) = self.tasks.join_next().await {
            ended.map_err(|error| TestkitError::answer("joining a feeder", error))??;
        }
        Ok(())
    }
}

/// Sends the next batch of a lane until it is acknowledged; waits while the server says that it is busy.
pub(super) async fn send_next(
    ledger: &Ledger,
    lane: usize,
    client: &Client,
    wait_visible: bool,
) -> Result<(), TestkitError> {
    let lane = &ledger.lanes[lane];
    let seq = lane.next();
    let call = IngestCall {
        stream: lane.target.stream().to_owned(),
        format: BodyFormat::NdJson,
        body: Bytes::from(event::body(ledger.seed, lane.producer, lane.target, seq)),
        stamp: Some(ProducerStamp { producer: format!("lane-{}", lane.producer), sequence: seq }),
        wait_visible,
    };
    loop {
        match client.ingest(&call).await {
            Ok(report) if report.rejected > 0 => {
                let reason = format!("{} of its records were rejected: {:?}", report.rejected, report.rejects.first());
                return Err(TestkitError::answer(format!("batch {seq} of lane {}", lane.producer), reason));
            }
            Ok(report) => {
                lane.acknowledge(seq, report.duplicate);
                return Ok(());
            }
            Err(ClientError::Refused(problem)) if problem.status == 429 && !ledger.killing() => {
                let wait = problem.retry_after.unwrap_or(Duration::from_millis(50)).min(Duration::from_secs(1));
                tokio::time::sleep(wait).await;
            }
            Err(error) => {
                return Err(TestkitError::request(format!("batch {seq} of lane {}", lane.producer))(error));
            }
        }
    }
}
