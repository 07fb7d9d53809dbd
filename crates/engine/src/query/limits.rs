//! The limits of one query held while its rows flow: rows, wall time, and what errors become.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use arrow_array::RecordBatch;
use futures::{Stream, StreamExt};
use highwater_api::{ApiError, ErrorKind, SqlLimits};
use highwater_sql::datafusion::error::DataFusionError;
use tokio::time::{Instant, Sleep};

use super::errors::query_error;

/// Rows of a running query within its limits. Ends after the first error; dropping it cancels the query.
pub(super) struct LimitedRows<S> {
    /// `None` once it ended, so that an error frees what the query holds.
    rows: Option<S>,
    given: u64,
    timer: Option<Pin<Box<Sleep>>>,
    limits: SqlLimits,
}

impl<S> LimitedRows<S> {
    /// Rows of a query that must be done at `deadline`, if there is one.
    pub(super) fn new(rows: S, limits: SqlLimits, deadline: Option<Instant>) -> Self {
        let timer = deadline.map(|deadline| Box::pin(tokio::time::sleep_until(deadline)));
        Self { rows: Some(rows), given: 0, timer, limits }
    }

    fn fail(&mut self, error: ApiError) -> Poll<Option<Result<RecordBatch, ApiError>>> {
        self.rows = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl<S> Stream for LimitedRows<S>
where
    S: Stream<Item = Result<RecordBatch, DataFusionError>> + Unpin,
{
    type Item = Result<RecordBatch, ApiError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(rows) = this.rows.as_mut() else { return Poll::Ready(None) };
        if this.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready()) {
            let error = timed_out(&this.limits);
            return this.fail(error);
        }
        loop {
            match rows.poll_next_unpin(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    this.rows = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(error))) => {
                    let error = query_error(error, &this.limits);
                    return this.fail(error);
                }
                Poll::Ready(Some(Ok(batch))) if batch.num_rows() == 0 => {}
                Poll::Ready(Some(Ok(batch))) => {
                    this.given += batch.num_rows() as u64;
                    if this.given > this.limits.max_rows {
                        let error = too_many_rows(&this.limits);
                        return this.fail(error);
                    }
                    return Poll::Ready(Some(Ok(batch)));
                }
            }
        }
    }
}

/// The error of a query that ran out of time.
pub(super) fn timed_out(limits: &SqlLimits) -> ApiError {
    let message = format!("the query took longer than {:?}", limits.timeout);
    ApiError::new(ErrorKind::Timeout, message).with_hint("narrow it by WHERE or LIMIT, or raise the timeout")
}

fn too_many_rows(limits: &SqlLimits) -> ApiError {
    let message = format!("the query gives more than {} rows", limits.max_rows);
    ApiError::new(ErrorKind::TooLarge, message).with_hint("add LIMIT, or raise max_rows")
}
