//! What lowering gives: operators, and what is known about the rows they give. Used by every part of lowering.

use std::collections::BTreeSet;

use arrow_schema::SchemaRef;
use highwater_model::ObjectId;

use crate::operator::{Due, Linear, Node, Stage};

/// Operators with what is known about their result.
pub(crate) struct Lowered {
    pub(super) node: Box<dyn Node>,
    /// Filters and projections not yet wrapped into a node.
    pub(super) stages: Vec<Stage>,
    pub(crate) properties: Properties,
}

/// What is known about the rows a plan gives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Properties {
    /// Rows are never retracted.
    pub(crate) append_only: bool,
    /// Columns that identify a row; empty when none are known to.
    pub(crate) key: Vec<usize>,
    /// Streams whose events are read.
    pub(crate) streams: BTreeSet<ObjectId>,
    /// Tables, keyed streams and views whose changes are followed.
    pub(crate) relations: BTreeSet<ObjectId>,
    /// Tables looked up.
    pub(crate) lookups: BTreeSet<ObjectId>,
    /// When filters by the clock next change something.
    pub(crate) dues: Vec<Due>,
}

impl Properties {
    /// Adds what another input reads.
    pub(super) fn reads(&mut self, other: &Properties) {
        self.streams.extend(&other.streams);
        self.relations.extend(&other.relations);
        self.lookups.extend(&other.lookups);
        self.dues.extend(other.dues.iter().cloned());
    }
}

impl Lowered {
    pub(super) fn of(node: Box<dyn Node>, properties: Properties) -> Self {
        Self { node, stages: Vec::new(), properties }
    }

    /// The operators, complete.
    pub(crate) fn finish(self, schema: SchemaRef) -> (Box<dyn Node>, Properties) {
        if self.stages.is_empty() && self.node.schema() == &schema {
            return (self.node, self.properties);
        }
        (Box::new(Linear::new(self.node, self.stages, schema)), self.properties)
    }
}
