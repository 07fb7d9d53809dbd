//! A change batch made ready for the shards: partition keys and rows encoded, so that bytes compare as `ORDER BY` says.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_row::{RowConverter, SortField};
use arrow_schema::{Field, SchemaRef, SortOptions};
use highwater_model::{ChangeBatch, Weights};

use crate::ViewsError;
use crate::expression::{Expression, evaluate_all};
use crate::keys::{EncodedKeys, KeyCodec};
use crate::workers::{SHARDS, shard_of};

/// How rows are partitioned and ordered, compiled.
pub(crate) struct Order {
    /// `PARTITION BY`.
    partition: Vec<Expression>,
    /// `ORDER BY`.
    sort: Vec<Expression>,
    pub(super) partition_fields: Vec<Field>,
    codec: KeyCodec,
    sort_codec: RowConverter,
    row_codec: RowConverter,
    /// Columns of the rows.
    pub(super) schema: SchemaRef,
    /// Both clauses as SQL.
    pub(super) text: String,
}

/// A row's place in its partition: the bytes of the sort key, then those of the whole row, which settles ties and from
/// which the row is read back. Arrow's row format is prefix-free, so comparing the whole compares first the one, then
/// the other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) bytes: Arc<[u8]>,
    /// Length of the sort key.
    pub(super) sort: u32,
}

impl Place {
    /// The sort key.
    pub(super) fn sort_key(&self) -> &[u8] {
        &self.bytes[..self.sort as usize]
    }

    fn row(&self) -> &[u8] {
        &self.bytes[self.sort as usize..]
    }
}

/// One batch, ready.
pub(super) struct Prepared {
    pub(super) keys: EncodedKeys,
    pub(super) hashes: Vec<u64>,
    pub(super) places: Vec<Place>,
    pub(super) weights: Weights,
    /// Rows of each shard.
    shards: Vec<Vec<u32>>,
}

impl Prepared {
    pub(super) fn rows_of(&self, shard: usize) -> &[u32] {
        &self.shards[shard]
    }
}

impl Order {
    /// Rows of `schema`, partitioned and sorted by expressions of these types.
    pub(crate) fn new(
        schema: &SchemaRef,
        partition: Vec<(Expression, Field)>,
        sort: Vec<(Expression, Field, SortOptions)>,
        text: String,
    ) -> Result<Self, ViewsError> {
        let (partition, fields): (Vec<_>, Vec<Field>) = partition.into_iter().unzip();
        let partition_fields: Vec<Field> = fields.into_iter().map(|field| field.with_nullable(true)).collect();
        let sort_fields = sort
            .iter()
            .map(|(_, field, options)| SortField::new_with_options(field.data_type().clone(), *options))
            .collect();
        let row_fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self {
            codec: KeyCodec::new(&partition_fields)?,
            partition,
            partition_fields,
            sort: sort.into_iter().map(|(expression, ..)| expression).collect(),
            sort_codec: RowConverter::new(sort_fields)?,
            row_codec: RowConverter::new(row_fields)?,
            schema: Arc::clone(schema),
            text,
        })
    }

    /// Number of shards.
    pub(super) fn shards(&self) -> usize {
        if self.partition.is_empty() { 1 } else { SHARDS }
    }

    pub(super) fn prepare(&self, change: &ChangeBatch) -> Result<Prepared, ViewsError> {
        let rows = &change.rows;
        let keys = self.codec.encode(&evaluate_all(&self.partition, rows)?, rows.num_rows())?;
        let hashes = keys.hashes();
        let sort = match self.sort.is_empty() {
            true => None,
            false => Some(self.sort_codec.convert_columns(&evaluate_all(&self.sort, rows)?)?),
        };
        let whole = self.row_codec.convert_columns(rows.columns())?;
        let mut buffer = Vec::new();
        let places = (0..rows.num_rows()).map(|row| {
            buffer.clear();
            if let Some(sort) = &sort {
                buffer.extend_from_slice(sort.row(row).as_ref());
            }
            let length = buffer.len() as u32;
            buffer.extend_from_slice(whole.row(row).as_ref());
            Place { bytes: buffer.as_slice().into(), sort: length }
        });
        let places = places.collect();
        let mut shards = vec![Vec::new(); self.shards()];
        let count = shards.len();
        for (row, hash) in hashes.iter().enumerate() {
            shards[shard_of(*hash, count)].push(row as u32);
        }
        Ok(Prepared { keys, hashes, places, weights: change.weights.clone(), shards })
    }

    /// The rows at these places.
    pub(super) fn rows<'a>(&self, places: impl Iterator<Item = &'a Place>) -> Result<RecordBatch, ViewsError> {
        let parser = self.row_codec.parser();
        let columns = self.row_codec.convert_rows(places.map(|place| parser.parse(place.row())))?;
        Ok(RecordBatch::try_new(nullable(&self.schema), columns)?)
    }
}

/// The same columns, all of which may be NULL: a defect of a plan must not become a panic on data.
pub(super) fn nullable(schema: &SchemaRef) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()))
}
