//! The decoder of one stream schema: compiled once, shared by threads, used by ingest and replay.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use highwater_model::{Format, Records, StreamSchema};

use crate::body::{self, BodyFormat, TextLayout};
use crate::column::ColumnPlan;
use crate::fault::Fault;
use crate::partition::can_partition;
use crate::record::ObjectPlan;
use crate::rows::RowReader;
use crate::{DecodeError, Decoded};

/// Offsets inside a text column are 32 bits, so one call takes at most this many bytes.
const MAX_BODY_BYTES: usize = i32::MAX as usize;

/// Decodes bodies and stored records of one stream. Build it once per schema; it is immutable and shared freely.
#[derive(Debug)]
pub struct Decoder {
    pub(crate) arrow: SchemaRef,
    pub(crate) declared: StreamSchema,
    pub(crate) columns: Vec<ColumnPlan>,
    pub(crate) object: ObjectPlan,
    pub(crate) text: Option<TextLayout>,
}

impl Decoder {
    /// Compiles a schema.
    ///
    /// # Errors
    /// [`DecodeError::Column`] names the column whose type or time encoding cannot be decoded (an unknown zone, a
    /// `strftime` pattern that names no date, an unsupported type); [`DecodeError::Schema`] when a text layout or the
    /// partitioning does not fit the columns.
    pub fn new(schema: &StreamSchema) -> Result<Self, DecodeError> {
        if schema.columns.len() >= usize::from(u16::MAX) {
            return Err(DecodeError::Schema(format!("{} columns are too many; at most 65534", schema.columns.len())));
        }
        let columns = schema
            .columns
            .iter()
            .map(|column| ColumnPlan::new(column).map_err(|reason| DecodeError::column(&column.name, reason)))
            .collect::<Result<_, _>>()?;
        for index in &schema.partition_by {
            let column = schema.columns.get(*index).ok_or_else(|| {
                DecodeError::Schema(format!("partition_by names column {index}, which does not exist"))
            })?;
            if !can_partition(&column.data_type) {
                let reason = format!("type {} cannot pick the partition; use a scalar column", column.data_type);
                return Err(DecodeError::column(&column.name, reason));
            }
        }
        let text = match &schema.format {
            Format::Json => None,
            Format::Text { delimiter, layout, quoted, fallback_delimiter } => {
                Some(TextLayout::new(schema, *delimiter, layout, *quoted, *fallback_delimiter)?)
            }
        };
        Ok(Self {
            arrow: schema.arrow(),
            declared: schema.clone(),
            columns,
            object: ObjectPlan::record(&schema.columns),
            text,
        })
    }

    /// The declared columns: [`StreamSchema::arrow`].
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.arrow
    }

    /// Decodes the body of one request. Records that cannot be decoded are in [`Decoded::rejects`].
    ///
    /// # Errors
    /// When the body as a whole cannot be read: the format does not fit the stream, a CSV header names no column, or
    /// the body is larger than 2 GiB.
    pub fn decode_body(&self, format: BodyFormat, body: &Bytes) -> Result<Decoded, DecodeError> {
        if body.len() > MAX_BODY_BYTES {
            return Err(DecodeError::TooLarge { limit: MAX_BODY_BYTES });
        }
        body::decode(self, format, body)
    }

    /// Decodes stored records: row `i` is record `i`. What `decode_body` accepted decodes to the same rows here; what it
    /// accepted before columns were added has NULL there where its value does not fit.
    ///
    /// # Errors
    /// [`DecodeError::Record`] names the first record that does not decode.
    pub fn decode_records(&self, records: &Records) -> Result<RecordBatch, DecodeError> {
        if records.bytes().len() > MAX_BODY_BYTES {
            return Err(DecodeError::TooLarge { limit: MAX_BODY_BYTES });
        }
        let mut rows = RowReader::stored(self, records.len());
        for (number, record) in (0_u64..).zip(records.iter()) {
            match rows.read_stored(record) {
                Ok(()) => rows.commit(),
                Err(fault) => {
                    let (column, reason) = match *fault {
                        Fault::Value { column, reason } => (column, reason),
                        Fault::Syntax { at, reason } => (None, format!("not valid JSON: {reason} at byte {at}")),
                    };
                    return Err(DecodeError::Record { record: number, column, reason });
                }
            }
        }
        rows.finish()
    }
}
