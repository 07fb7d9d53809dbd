//! The actions of a commit as the lines of its file (Delta protocol, "Actions").

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::{Metadata, StructType};
use highwater_model::{Offset, PartitionId};
use serde_json::{Map, Value, json};

use super::CHECKPOINT_EVERY;
use super::state::application_of;
use crate::place::Place;
use crate::stored::{has_local_timestamps, ranges_to_json};
use crate::{ArchiveError, DATE_COLUMN, DataFile};
use arrow_schema::{DataType, Field, Schema};

/// The lines of one commit, in the making.
pub(crate) struct Lines {
    place: Place,
    at_millis: i64,
    lines: Vec<Value>,
}

impl Lines {
    /// A commit by an operation. It carries a name of its own, by which a writer knows it again.
    pub(crate) fn new(place: &Place, operation: &str) -> Self {
        let at_millis = place.now_micros().div_euclid(1000);
        let info = json!({ "commitInfo": {
            "timestamp": at_millis,
            "operation": operation,
            "operationParameters": {},
            "engineInfo": concat!("highwater/", env!("CARGO_PKG_VERSION")),
            "txnId": place.new_name(),
        } });
        Self { place: place.clone(), at_millis, lines: vec![info] }
    }

    pub(crate) fn committed_at_micros(&self) -> i64 {
        self.at_millis * 1000
    }

    /// Says something more in the commit's information.
    pub(crate) fn note(&mut self, name: &str, value: Value) {
        if let Some(info) = self.lines.first_mut().and_then(|line| line.get_mut("commitInfo")) {
            info[name] = value;
        }
    }

    /// What a reader and a writer of these columns must know.
    pub(crate) fn protocol(&mut self, stored: &Schema) {
        self.lines.push(if has_local_timestamps(stored.fields()) {
            json!({ "protocol": {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": ["timestampNtz"],
                "writerFeatures": ["timestampNtz"],
            } })
        } else {
            json!({ "protocol": { "minReaderVersion": 1, "minWriterVersion": 2 } })
        });
    }

    pub(crate) fn metadata(&mut self, metadata: &Metadata) -> Result<(), ArchiveError> {
        let value = serde_json::to_value(metadata)
            .map_err(|error| ArchiveError::delta(&self.place.folder, "describe the table", error))?;
        self.lines.push(json!({ "metaData": value }));
        Ok(())
    }

    /// A new file. `new_rows`: whether its rows were in no file before.
    pub(crate) fn add(&mut self, file: &DataFile, new_rows: bool) {
        self.lines.push(json!({ "add": {
            "path": self.place.relative(&file.path),
            "partitionValues": partition_values(file),
            "size": file.bytes,
            "modificationTime": self.at_millis,
            "dataChange": new_rows,
            "stats": ranges_to_json(file.rows, &file.columns),
        } }));
    }

    /// A file whose rows are in others now.
    pub(crate) fn remove(&mut self, file: &DataFile) {
        self.lines.push(json!({ "remove": {
            "path": self.place.relative(&file.path),
            "deletionTimestamp": self.at_millis,
            "dataChange": false,
            "extendedFileMetadata": true,
            "partitionValues": partition_values(file),
            "size": file.bytes,
        } }));
    }

    /// The next offset of a partition.
    pub(crate) fn covers(&mut self, partition: PartitionId, next: Offset) {
        self.lines.push(json!({ "txn": {
            "appId": application_of(partition),
            "version": next,
            "lastUpdated": self.at_millis,
        } }));
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        let lines: Vec<String> = self.lines.iter().map(Value::to_string).collect();
        lines.join("\n").into_bytes()
    }
}

fn partition_values(file: &DataFile) -> Map<String, Value> {
    let day = file.date.map(|date| Value::from(date.format("%Y-%m-%d").to_string()));
    Map::from_iter([(DATE_COLUMN.to_owned(), day.unwrap_or(Value::Null))])
}

/// The columns as Delta describes them: the stored ones, then the day.
pub(crate) fn delta_schema(place: &Place, stored: &Schema) -> Result<StructType, ArchiveError> {
    let mut fields = stored.fields().to_vec();
    fields.push(Field::new(DATE_COLUMN, DataType::Date32, true).into());
    Schema::new(fields).as_ref().try_into_kernel().map_err(|error| ArchiveError::Table {
        folder: place.folder.to_string(),
        problem: format!("its columns cannot be described: {error}"),
        hint: "rename the column".into(),
    })
}

/// A new table's description.
pub(crate) fn new_metadata(place: &Place, stored: &Schema) -> Result<Metadata, ArchiveError> {
    let properties = [("delta.checkpointInterval", CHECKPOINT_EVERY.to_string())];
    deltalake_core::kernel::new_metadata(&delta_schema(place, stored)?, [DATE_COLUMN], properties)
        .map_err(|error| ArchiveError::delta(&place.folder, "describe the table", error))
}
