//! Sends the batches of a source, in order, until all are stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use highwater_api::BodyFormat;
use highwater_client::{Client, ClientError, IngestCall, RetryPolicy};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;

use super::batches::{Batch, Batches};
use super::identity::Identity;
use super::size::BatchLimit;
use super::source::{Opened, Source};
use super::summary::Summary;
use crate::failure::Failure;

/// Batches read ahead while one travels.
const READ_AHEAD: usize = 2;

/// Everything that is decided before the first batch.
pub(super) struct Sender {
    pub(super) client: Client,
    pub(super) stream: String,
    pub(super) format: BodyFormat,
    pub(super) limit: BatchLimit,
    pub(super) identity: Option<Identity>,
    pub(super) wait: bool,
    pub(super) quiet: bool,
}

impl Sender {
    /// Sends all of it.
    pub(super) async fn run(self, source: Source) -> Result<Summary, Failure> {
        let Opened { bytes, position, length } = source.open()?;
        let bar = self.bar(length);
        let (sender, mut batches) = mpsc::channel(READ_AHEAD);
        let mut reader = Batches::new(bytes, self.format, self.limit);
        let reading = tokio::task::spawn_blocking(move || -> std::io::Result<()> {
            while let Some(batch) = reader.next()? {
                if sender.blocking_send(batch).is_err() {
                    // The receiving side gave up and says why.
                    break;
                }
            }
            Ok(())
        });
        let mut summary = Summary::new(self.stream.clone());
        let mut nth = 0;
        while let Some(batch) = batches.recv().await {
            if let Err(error) = self.send(&batch, nth, &bar, &mut summary).await {
                bar.finish_and_clear();
                summary.print(None);
                return Err(error.into());
            }
            nth += 1;
            advance(&bar, &position, &summary);
        }
        let elapsed = bar.elapsed();
        bar.finish_and_clear();
        summary.print((nth > 0).then_some(elapsed));
        let outcome = reading.await.map_err(|e| Failure::io("the reading thread ended", std::io::Error::other(e)))?;
        outcome.map_err(|error| source.damaged(&error, &format!("the {nth} batches before are stored")))?;
        Ok(summary)
    }

    async fn send(&self, batch: &Batch, nth: u64, bar: &ProgressBar, summary: &mut Summary) -> Result<(), ClientError> {
        let call = IngestCall {
            stream: self.stream.clone(),
            format: self.format,
            body: batch.body.clone(),
            stamp: self.identity.as_ref().map(|identity| identity.stamp(nth)),
            wait_visible: self.wait,
        };
        let report = self
            .client
            .ingest_with_retries(&call, &RetryPolicy::PATIENT, |error| {
                bar.set_message(format!("trying again: {error}"))
            })
            .await?;
        bar.set_message(String::new());
        summary.add(batch, &report);
        Ok(())
    }

    fn bar(&self, length: Option<u64>) -> ProgressBar {
        if self.quiet {
            return ProgressBar::hidden();
        }
        let form = match length {
            Some(_) => "{bar:30} {bytes}/{total_bytes} {prefix} eta {eta} {msg}",
            None => "{spinner} {bytes} {prefix} {msg}",
        };
        let bar = ProgressBar::new(length.unwrap_or(0));
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        bar
    }
}

fn advance(bar: &ProgressBar, position: &Arc<AtomicU64>, summary: &Summary) {
    bar.set_position(position.load(Ordering::Relaxed));
    let seconds = bar.elapsed().as_secs_f64().max(0.001);
    bar.set_prefix(format!("{} records, {:.0}/s", summary.records(), summary.records() as f64 / seconds));
}
