//! The moment that a version stands for, besides its offsets: the clock, and what views looked up in tables. Whoever
//! computes a version a second time (audits) asks for them.

use highwater_model::{ObjectId, Offsets};

use super::flow::Dataflow;

impl Dataflow {
    /// The clock of the current version, in microseconds since 1970 UTC, as long as nothing is due by it
    /// ([`Dataflow::due_micros`]).
    #[must_use]
    pub fn clock_micros(&self) -> i64 {
        self.now_micros
    }

    /// The offsets at which a view looked rows up in tables; what the tables were written later it does not know yet.
    /// `None` when there is no such view.
    #[must_use]
    pub fn looked_up_at(&self, id: ObjectId) -> Option<&Offsets> {
        self.views.iter().find(|view| view.plan.id() == id).map(|view| &view.lookups_at)
    }
}
