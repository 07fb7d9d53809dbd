//! Tests of the embedded log: conformance, crashes, faults, damage, and random histories against a model.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conform;
mod damage;
mod faults;
mod fixtures;
mod model;
mod opening;
mod power;

use std::path::Path;
use std::sync::Arc;

use highwater_model::{ManualClock, PartitionId};

use super::{EmbeddedLog, LogSettings};
use crate::LogError;
use crate::storage::simulated::SimulatedStorage;

const P0: PartitionId = PartitionId(0);
const P1: PartitionId = PartitionId(1);

/// Settings under which a handful of batches fills several segments.
fn small() -> LogSettings {
    LogSettings { segment_bytes: 600, cached_segments: 2, ..LogSettings::default() }
}

fn open_simulated(storage: &SimulatedStorage, settings: LogSettings) -> Result<Arc<EmbeddedLog>, LogError> {
    EmbeddedLog::open_on(Arc::new(storage.clone()), Path::new("/data"), settings, Arc::new(ManualClock::at(5)))
}
