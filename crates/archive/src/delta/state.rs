//! What is known of a table at one version: the snapshot that readers get, and what the next commit needs.

use std::collections::BTreeSet;
use std::sync::Arc;

use deltalake_core::kernel::{Metadata, MetadataExt};
use highwater_model::PartitionId;

use crate::place::Place;
use crate::{ArchiveError, TableSnapshot};

/// The property that lists the log partitions of which a `txn` action tells the next offset.
const PARTITIONS: &str = "highwater.partitions";
/// The property that counts the offsets below what is covered that have no row: records that were lost.
const ABSENT: &str = "highwater.absent";
const APPLICATION: &str = "highwater/";

/// A table at one version.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) snapshot: Arc<TableSnapshot>,
    pub(crate) metadata: Metadata,
}

/// The application of a `txn` action: it tells the next offset of this partition.
pub(crate) fn application_of(partition: PartitionId) -> String {
    format!("{APPLICATION}{partition}")
}

/// The partitions that a table's properties list.
pub(crate) fn partitions_of(place: &Place, metadata: &Metadata) -> Result<BTreeSet<PartitionId>, ArchiveError> {
    let listed = metadata.configuration().get(PARTITIONS).map_or("", String::as_str);
    listed
        .split(',')
        .filter(|part| !part.is_empty())
        .map(|part| match part {
            "rejects" => Ok(PartitionId::REJECTS),
            number => number
                .parse()
                .map(PartitionId)
                .map_err(|_| place.damaged("_delta_log", format!("its property {PARTITIONS} is {listed:?}"))),
        })
        .collect()
}

impl State {
    /// How many offsets below what is covered have no row.
    pub(crate) fn absent(&self) -> u64 {
        self.metadata.configuration().get(ABSENT).and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// The invariant of every version: each offset below what is covered has a row, but for those counted as absent.
    pub(crate) fn is_whole(&self) -> bool {
        let covered: u64 = self.snapshot.covered.values().sum();
        self.snapshot.rows + self.absent() == covered
    }

    /// The properties with these partitions listed and so many more offsets absent; `None` when nothing changes.
    pub(crate) fn properties(
        &self,
        place: &Place,
        partitions: impl Iterator<Item = PartitionId>,
        absent: u64,
    ) -> Result<Option<Metadata>, ArchiveError> {
        let known = partitions_of(place, &self.metadata)?;
        let all: BTreeSet<PartitionId> = known.iter().copied().chain(partitions).collect();
        if all == known && absent == 0 {
            return Ok(None);
        }
        let listed: Vec<String> = all.iter().map(ToString::to_string).collect();
        let metadata = self.metadata.clone().add_config_key(PARTITIONS.into(), listed.join(","));
        let counted = |metadata: Metadata| match self.absent() + absent {
            0 => Ok(metadata),
            count => metadata.add_config_key(ABSENT.into(), count.to_string()),
        };
        let metadata = metadata.and_then(counted);
        metadata.map(Some).map_err(|error| ArchiveError::delta(&place.folder, "list its partitions", error))
    }

    /// The state after a commit that changed neither columns nor properties.
    pub(crate) fn next(&self, snapshot: TableSnapshot) -> Self {
        Self { snapshot: Arc::new(snapshot), metadata: self.metadata.clone() }
    }
}
