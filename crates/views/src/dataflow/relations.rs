//! What readers see: all stores at one version. Ticks change them under a short write lock; readers take snapshots
//! or look keys up under the read lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use highwater_model::{ObjectId, Offsets};
use parking_lot::{RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::event_time::EventTime;
use crate::store::Store;

/// The stores of one version.
#[derive(Debug, Default)]
pub struct Relations {
    /// The events this version includes.
    pub offsets: Offsets,
    /// Rises whenever a view's rows change for another reason than events: a view built anew, or dropped.
    pub epoch: u64,
    /// Ticks since the start.
    pub ticks: u64,
    pub(crate) stores: HashMap<ObjectId, Store>,
    pub(crate) failed: HashMap<ObjectId, String>,
    pub(crate) times: BTreeMap<ObjectId, EventTime>,
}

impl Relations {
    /// A table's, keyed stream's or view's rows.
    #[must_use]
    pub fn store(&self, id: ObjectId) -> Option<&Store> {
        self.stores.get(&id)
    }

    /// Why a view stopped, if it did.
    #[must_use]
    pub fn failure(&self, id: ObjectId) -> Option<&str> {
        self.failed.get(&id).map(String::as_str)
    }

    /// How far event time has come in a stream that declares how late its events may be.
    #[must_use]
    pub fn event_time(&self, stream: ObjectId) -> Option<&EventTime> {
        self.times.get(&stream)
    }

    /// The version's name: equal names, equal contents.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{}-{:016x}-{:x}", self.offsets.total(), self.offsets.fingerprint(), self.epoch)
    }
}

/// Access to the current version, shared by readers and the tick thread.
#[derive(Clone, Debug, Default)]
pub struct Reader(Arc<RwLock<Relations>>);

impl Reader {
    /// The current version, held still while the guard lives: be quick.
    pub fn read(&self) -> RwLockReadGuard<'_, Relations> {
        self.0.read()
    }

    /// Gives the version another name: something other than events has changed what queries answer.
    pub fn renew(&self) {
        self.0.write().epoch += 1;
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, Relations> {
        self.0.write()
    }
}
