//! The audit of one relation: held still, computed again, compared.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::TryStreamExt;
use highwater_api::{ApiError, ErrorKind};

use super::codec::Codec;
use super::compare::{Side, Sums};
use super::net::{Findings, Net};
use super::pin::Pinned;
use crate::core::Core;
use crate::error::EngineError;
use crate::query::{Evaluation, History, evaluate};

/// The share of the memory that rows may take which are looked at one by one (one part in so many).
const LOOKED_AT: u64 = 4;

/// What an audit found.
#[derive(Debug, Default)]
pub(crate) struct Audited {
    /// Rows served.
    pub(crate) rows: u64,
    /// Rows that the history gives.
    pub(crate) recomputed_rows: u64,
    pub(crate) findings: Findings,
}

/// Compares a relation with what its history gives; `keep` is handed the rows that it gives, once.
///
/// # Errors
/// When it cannot be computed again.
pub(crate) async fn audit(
    core: &Arc<Core>,
    pinned: &Pinned,
    with: &Evaluation,
    keep: &mut (dyn FnMut(&RecordBatch) -> Result<(), ApiError> + Send),
) -> Result<Audited, ApiError> {
    let codec = Codec::new(pinned.rows.schema(), &pinned.key)?;
    let mut sums = Sums::new();
    for rows in 0..pinned.rows.batches() {
        sums.add(&codec, &live(pinned, rows)?, Side::Live)?;
        tokio::task::yield_now().await;
    }
    let with = recomputed(core, pinned, with, |rows| {
        sums.add(&codec, rows, Side::Recomputed)?;
        keep(rows)
    })
    .await?;
    let mut findings = Findings::default();
    for wanted in sums.differing(with.memory_bytes / LOOKED_AT) {
        let mut net = Net::new(wanted);
        for rows in 0..pinned.rows.batches() {
            net.add(&codec, &live(pinned, rows)?, Side::Live)?;
            tokio::task::yield_now().await;
        }
        recomputed(core, pinned, &with, |rows| net.add(&codec, rows, Side::Recomputed)).await?;
        net.finish(&codec, &mut findings)?;
    }
    Ok(Audited { rows: sums.live, recomputed_rows: sums.recomputed, findings })
}

fn live(pinned: &Pinned, batch: usize) -> Result<RecordBatch, ApiError> {
    Ok(pinned.rows.passing_batch(batch).map_err(EngineError::from)?)
}

/// Computes a relation again; gives how that was possible.
async fn recomputed(
    core: &Arc<Core>,
    pinned: &Pinned,
    with: &Evaluation,
    mut take: impl FnMut(&RecordBatch) -> Result<(), ApiError>,
) -> Result<Evaluation, ApiError> {
    let history = History { planner: &core.planner, catalog: &pinned.catalog, cut: &pinned.cut };
    let mut with = with.clone();
    loop {
        let mut taken = false;
        let evaluated = async {
            let mut evaluated = evaluate(core, history.relation(pinned.id)?, &with).await?;
            while let Some(rows) = evaluated.try_next().await? {
                taken = true;
                take(&rows)?;
            }
            Ok::<_, ApiError>(())
        };
        match evaluated.await {
            Ok(()) => return Ok(with),
            // A join by hash holds one side; by sorting it can be put aside on disk.
            Err(error) if error.kind == ErrorKind::TooLarge && !taken && !with.sort_joins => with.sort_joins = true,
            Err(error) => return Err(error),
        }
    }
}
