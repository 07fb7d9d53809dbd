//! What a stream (or table) declares: its columns, how its bytes are read, how it is partitioned, keyed and kept.
//! Written by the SQL dialect, read by decoding, the log and the engine; persisted in the catalog as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::{Deserialize, Serialize};

/// `TIMESTAMPTZ`: microseconds since the epoch, UTC.
#[must_use]
pub fn micros_utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// `TIMESTAMPTZ(9)`: nanoseconds since the epoch, UTC.
#[must_use]
pub fn nanos_utc() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// How a point in time is written in the incoming bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeEncoding {
    /// RFC 3339 text with an offset, such as `2016-02-02T18:41:39-08:00` (a space for the `T` is accepted).
    Rfc3339,
    /// Seconds since the epoch, as a number (fractions allowed) or a text of one.
    EpochSeconds,
    /// Milliseconds since the epoch.
    EpochMillis,
    /// Microseconds since the epoch.
    EpochMicros,
    /// Nanoseconds since the epoch.
    EpochNanos,
    /// Local text read by a `strftime` pattern in an IANA zone (`None` only for `TIMESTAMP` without a zone).
    /// A local time that the zone skips or repeats is refused as ambiguous unless the pattern holds an offset.
    Pattern {
        /// The `strftime` pattern, such as `%Y-%m-%d %H:%M:%S`.
        pattern: String,
        /// The IANA zone the text is in.
        zone: Option<String>,
    },
}

/// Where a column's value lies in a JSON record: object keys and list indexes from the root.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonPath(pub Vec<String>);

/// One declared column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Column {
    /// SQL name.
    pub name: String,
    /// Arrow type. Structs, lists and maps nest.
    #[serde(with = "data_type_json")]
    pub data_type: DataType,
    /// Whether a record may lack it (`NOT NULL` and key columns may not).
    pub nullable: bool,
    /// Where it lies in JSON, when that is not the top-level key of its name. Also renames.
    pub path: Option<JsonPath>,
    /// How times are written, for time columns; `None` means [`TimeEncoding::Rfc3339`].
    pub time: Option<TimeEncoding>,
    /// What of it records may have been stored without, because it was added later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Added>,
}

/// What was added to a stream that may have held records already. They were accepted without anybody looking at these
/// values, so a stored record whose value does not fit has NULL there; a new record is rejected as for any column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Added {
    /// All of it.
    All,
    /// These fields of a struct (of a list's items, of a map's values).
    Fields(BTreeMap<String, Added>),
}

impl Column {
    /// A column of a type with no extras.
    pub fn new(name: impl Into<String>, data_type: DataType, nullable: bool) -> Self {
        Self { name: name.into(), data_type, nullable, path: None, time: None, added: None }
    }
}

/// How the bytes of a record are laid out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON objects: one a line, in an array, alone, or run together. A JSON string holding an object is read as that object.
    Json,
    /// One record a line, fields separated by one byte, in the order of `layout`.
    Text {
        /// `;`, `,`, tab, ….
        delimiter: u8,
        /// Names of the fields in order; a name that is no column is skipped. Missing trailing fields are NULL.
        layout: Vec<String>,
        /// Whether fields may be quoted with `"` (RFC 4180).
        quoted: bool,
        /// What separates the fields of a line that does not hold `delimiter`, if anything; not with quotes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fallback_delimiter: Option<u8>,
    },
}

/// What makes a stream keyed: `FROM s` reads the current row of each key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyedSpec {
    /// Indexes of the primary key columns.
    pub key: Vec<usize>,
    /// Index of the version column; `None` means the offset decides (the latest wins).
    pub version: Option<usize>,
    /// Index of a boolean column that marks a deletion, if any.
    pub deleted: Option<usize>,
}

/// How long the log keeps a stream. Both limits absent: for ever.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// Keep at least this many microseconds.
    pub age_micros: Option<i64>,
    /// Keep at least this many bytes.
    pub bytes: Option<u64>,
}

/// How late events may come, by their event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// An event this many microseconds older than the latest of its partition is still expected.
    pub micros: i64,
    /// A partition without events for so many microseconds, while others have some, holds nothing up.
    pub idle_micros: i64,
}

/// Everything a `CREATE STREAM` or `CREATE TABLE` declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSchema {
    /// The declared columns, in order.
    pub columns: Vec<Column>,
    /// How records are written.
    pub format: Format,
    /// Number of log partitions, at least 1.
    pub partitions: u32,
    /// Indexes of the columns whose hash picks the partition; empty: records go round robin by request.
    pub partition_by: Vec<usize>,
    /// Index of the event-time column.
    pub event_time: Option<usize>,
    /// How late events may come; without it the stream has no watermark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Lateness>,
    /// Present on keyed streams and tables.
    pub keyed: Option<KeyedSpec>,
    /// How long the log keeps it.
    pub retention: Retention,
    /// Largest record accepted, in bytes.
    pub max_record_bytes: u32,
}

impl StreamSchema {
    /// Largest record accepted unless declared otherwise: 1 MiB.
    pub const DEFAULT_MAX_RECORD_BYTES: u32 = 1 << 20;

    /// A JSON stream of these columns with one partition and no extras.
    #[must_use]
    pub fn json(columns: Vec<Column>) -> Self {
        Self {
            columns,
            format: Format::Json,
            partitions: 1,
            partition_by: Vec::new(),
            event_time: None,
            lateness: None,
            keyed: None,
            retention: Retention::default(),
            max_record_bytes: Self::DEFAULT_MAX_RECORD_BYTES,
        }
    }

    /// The Arrow schema of the declared columns.
    #[must_use]
    pub fn arrow(&self) -> SchemaRef {
        let fields: Vec<Field> =
            self.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), c.nullable)).collect();
        Arc::new(Schema::new(fields))
    }

    /// The Arrow schema of the declared columns followed by the system columns.
    #[must_use]
    pub fn arrow_with_system(&self) -> SchemaRef {
        let mut fields: Vec<Field> =
            self.columns.iter().map(|c| Field::new(&c.name, c.data_type.clone(), c.nullable)).collect();
        fields.extend(SystemColumn::ALL.iter().map(|c| Field::new(c.name(), c.data_type(), false)));
        Arc::new(Schema::new(fields))
    }

    /// Index of a declared column.
    #[must_use]
    pub fn index_of(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// The columns every stream has besides the declared ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SystemColumn {
    /// `_partition`: the log partition.
    Partition,
    /// `_offset`: the offset in its partition.
    Offset,
    /// `_ingested_at`: when the event was accepted.
    IngestedAt,
}

impl SystemColumn {
    /// In schema order.
    pub const ALL: [SystemColumn; 3] = [SystemColumn::Partition, SystemColumn::Offset, SystemColumn::IngestedAt];

    /// SQL name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Partition => "_partition",
            Self::Offset => "_offset",
            Self::IngestedAt => "_ingested_at",
        }
    }

    /// Arrow type.
    #[must_use]
    pub fn data_type(self) -> DataType {
        match self {
            Self::Partition => DataType::Int32,
            Self::Offset => DataType::Int64,
            Self::IngestedAt => micros_utc(),
        }
    }
}

/// `DataType` as JSON through Arrow's own serde form.
mod data_type_json {
    use arrow_schema::DataType;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(data_type: &DataType, serializer: S) -> Result<S::Ok, S::Error> {
        data_type.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DataType, D::Error> {
        DataType::deserialize(deserializer)
    }
}
