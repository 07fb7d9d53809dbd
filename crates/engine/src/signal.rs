//! A bell: rung by many, waited for by one.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Remembers that it was rung until someone has waited for it.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Signal {
    pub(crate) fn ring(&self) {
        *self.rung.lock() = true;
        self.changed.notify_one();
    }

    /// Returns when the bell was rung since the last wait, or after `limit`.
    pub(crate) fn wait(&self, limit: Duration) {
        let mut rung = self.rung.lock();
        if !*rung {
            self.changed.wait_for(&mut rung, limit);
        }
        *rung = false;
    }
}
