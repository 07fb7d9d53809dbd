//! The conformance suite on real files, with large and tiny segments, and on the simulated storage.

use std::sync::Arc;

use highwater_model::ManualClock;

use super::super::{EmbeddedLog, LogSettings};
use super::{open_simulated, small};
use crate::conformance::cases;
use crate::storage::simulated::{Fault, SimulatedStorage};

fn on_disk(settings: &LogSettings) {
    for (name, case) in cases() {
        println!("{name}");
        let folder = tempfile::tempdir().unwrap();
        case(&|| EmbeddedLog::open(folder.path(), settings.clone(), Arc::new(ManualClock::at(5))).unwrap());
    }
}

#[test]
fn conforms_on_disk() {
    on_disk(&LogSettings::default());
}

#[test]
fn conforms_on_disk_with_tiny_segments() {
    on_disk(&small());
    on_disk(&LogSettings { compress: false, group_bytes: 1, segment_bytes: 1, ..small() });
}

#[test]
fn conforms_on_simulated_storage_with_short_writes() {
    for (name, case) in cases() {
        println!("{name}");
        let storage = SimulatedStorage::new();
        storage.fail(Some(Fault::Short));
        case(&|| open_simulated(&storage, small()).unwrap());
    }
}
