//! Keyed streams and tables: the current row of a key is the one with the highest version; ties: the highest offset.
//! Gives −old/+new for each key that changed. Remembers key and version even of deleted rows, so that an older
//! message never revives them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, RecordBatch};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use arrow_select::interleave::interleave_record_batch;
use highwater_model::{ChangeBatch, EventBatch, KeyedSpec, StreamSchema, SystemColumn, Weights};
use highwater_sql::datafusion::arrow::compute::cast;

use crate::ViewsError;
use crate::keys::{KeyCodec, KeyTable};
use crate::operator::{OperatorFigures, Part, State, marked};
use crate::store::Store;

/// The keys of a keyed stream or table with their versions. Its rows live in a [`Store`] of [`Keyed::schema`].
pub(crate) struct Keyed {
    spec: KeyedSpec,
    /// Columns readers see: with system columns for streams, without the deletion mark for tables.
    schema: SchemaRef,
    /// Which of declared-plus-system columns those are.
    visible: Vec<usize>,
    with_system: SchemaRef,
    keys: KeyTable,
    key_fields: Vec<Field>,
    versions: Versions,
    unsaved: Vec<bool>,
}

/// The version of each key, comparable.
enum Versions {
    /// No version column: the latest offset wins.
    None,
    /// Whole numbers and times; NULL is lowest.
    Integer(Vec<i64>),
    /// Anything else, in Arrow's row format (NULL first); and the bytes of all of them together.
    Bytes(Box<RowConverter>, Vec<Box<[u8]>>, usize),
}

/// The versions of a batch's rows.
enum BatchVersions {
    None,
    Integer(Int64Array),
    Bytes(arrow_row::Rows),
}

impl Keyed {
    /// The keyed stream or table that `schema` declares (its `keyed` must be there).
    pub(crate) fn new(schema: &StreamSchema, is_table: bool) -> Result<Self, ViewsError> {
        let spec =
            schema.keyed.clone().ok_or_else(|| ViewsError::Invariant("a keyed stream without key".to_owned()))?;
        let with_system = schema.arrow_with_system();
        let visible = visible(schema, is_table);
        let key_fields: Vec<Field> = spec.key.iter().map(|column| with_system.field(*column).clone()).collect();
        let versions = match spec.version.map(|column| with_system.field(column).data_type().clone()) {
            None => Versions::None,
            Some(data_type) if is_whole(&data_type) => Versions::Integer(Vec::new()),
            Some(data_type) => {
                Versions::Bytes(Box::new(RowConverter::new(vec![SortField::new(data_type)])?), Vec::new(), 0)
            }
        };
        Ok(Self {
            schema: Arc::new(with_system.project(&visible)?),
            visible,
            with_system,
            keys: KeyTable::new(KeyCodec::new(&key_fields)?),
            key_fields,
            versions,
            spec,
            unsaved: Vec::new(),
        })
    }

    /// Takes a declaration with more columns, or wider ones apart from key and version. Its rows are the caller's to
    /// rewrite.
    pub(crate) fn redeclare(&mut self, schema: &StreamSchema) -> Result<(), ViewsError> {
        let (with_system, visible) = (schema.arrow_with_system(), visible(schema, false));
        self.schema = Arc::new(with_system.project(&visible)?);
        (self.with_system, self.visible) = (with_system, visible);
        Ok(())
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The key columns' positions in [`Keyed::schema`].
    pub(crate) fn visible_key(&self) -> Vec<usize> {
        self.spec.key.iter().filter_map(|key| self.visible.iter().position(|column| column == key)).collect()
    }

    /// What is kept besides the rows.
    pub(crate) fn figures(&self) -> OperatorFigures {
        let holds = match self.versions {
            Versions::None => "the key of every row there ever was",
            _ => "the key of every row there ever was, with its version",
        };
        OperatorFigures {
            operator: "latest of each key".to_owned(),
            holds: Some(holds.to_owned()),
            rows: self.keys.len(),
            bytes: self.bytes(),
            bounded_by: Some("the number of keys, those of deleted rows among them".to_owned()),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let versions = match &self.versions {
            Versions::None => 0,
            Versions::Integer(versions) => versions.capacity() * 8,
            Versions::Bytes(_, versions, heap) => versions.capacity() * size_of::<Box<[u8]>>() + heap,
        };
        self.keys.bytes() + versions + self.unsaved.capacity()
    }

    /// The changes that these events bring to the rows in `store`.
    pub(crate) fn step(&mut self, events: &[EventBatch], store: &Store) -> Result<Vec<ChangeBatch>, ViewsError> {
        let batches: Vec<RecordBatch> =
            events.iter().map(|batch| batch.with_system_columns(&self.with_system)).collect::<Result<_, _>>()?;
        self.changes(&batches, store, None)
    }

    /// The changes that events of long ago bring, with their system columns, in any order: of rows of one version the
    /// one of the highest offset wins, so `latest` remembers that of each key until all are fed.
    pub(crate) fn feed_history(
        &mut self,
        rows: RecordBatch,
        store: &Store,
        latest: &mut Vec<i64>,
    ) -> Result<Vec<ChangeBatch>, ViewsError> {
        self.changes(&[rows], store, Some(latest))
    }

    fn changes(
        &mut self,
        batches: &[RecordBatch],
        store: &Store,
        latest: Option<&mut Vec<i64>>,
    ) -> Result<Vec<ChangeBatch>, ViewsError> {
        let winners = self.winners(batches, latest)?;
        if winners.is_empty() {
            return Ok(Vec::new());
        }
        let references: Vec<&RecordBatch> = batches.iter().collect();
        let rows = interleave_record_batch(&references, &winners)?;
        let deleted: Option<ArrayRef> = self.spec.deleted.map(|column| rows.column(column).clone());
        let rows = rows.project(&self.visible)?;
        let old: Vec<u32> = store.find(&rows)?.into_iter().flatten().collect();
        let mut changes = Vec::new();
        if !old.is_empty() {
            let old = store.gather(&old)?;
            let weights = Weights::Each(vec![-1; old.num_rows()].into());
            changes.push(ChangeBatch { rows: old, weights });
        }
        let new = match deleted {
            None => rows,
            Some(marks) => {
                let marks = marks.as_boolean();
                let alive = (0..rows.num_rows()).map(|row| Some(!(marks.is_valid(row) && marks.value(row)))).collect();
                arrow_select::filter::filter_record_batch(&rows, &alive)?
            }
        };
        let new = RecordBatch::try_new(self.schema.clone(), new.columns().to_vec())?;
        if new.num_rows() > 0 {
            changes.push(ChangeBatch::inserts(new));
        }
        Ok(changes)
    }

    /// The rows that become current, as (batch, row), in order of their key's first appearance.
    fn winners(
        &mut self,
        batches: &[RecordBatch],
        mut latest: Option<&mut Vec<i64>>,
    ) -> Result<Vec<(usize, usize)>, ViewsError> {
        let mut place: HashMap<u32, usize> = HashMap::new();
        let mut winners: Vec<(usize, usize)> = Vec::new();
        for (index, batch) in batches.iter().enumerate() {
            let columns: Vec<ArrayRef> = self.spec.key.iter().map(|column| batch.column(*column).clone()).collect();
            let keys = self.keys.codec().encode(&columns, batch.num_rows())?;
            let versions = self.versions.of(self.spec.version.map(|column| batch.column(column)))?;
            let known = self.keys.slots();
            let (mut slots, mut created) = (Vec::with_capacity(keys.len()), Vec::new());
            self.keys.intern(&keys, &keys.hashes(), None, &mut slots, &mut created);
            self.unsaved.resize(self.keys.slots(), false);
            self.versions.grow(self.keys.slots());
            let offsets =
                batch.column_by_name(SystemColumn::Offset.name()).map(|column| column.as_primitive::<Int64Type>());
            if let Some(latest) = &mut latest {
                latest.resize(self.keys.slots(), i64::MIN);
            }
            for (row, slot) in slots.into_iter().enumerate() {
                // A key is new until its first row is taken, whatever its version.
                let fresh = slot as usize >= known && !self.unsaved[slot as usize];
                // Events come in the order of their offsets, those of long ago in any.
                let offset = offsets.map_or(i64::MAX, |offsets| offsets.value(row));
                let ties_win = latest.as_ref().is_none_or(|latest| offset >= latest[slot as usize]);
                if self.versions.advance(slot as usize, &versions, row, fresh, ties_win) {
                    if let Some(latest) = &mut latest {
                        latest[slot as usize] = offset;
                    }
                    self.unsaved[slot as usize] = true;
                    match place.get(&slot) {
                        Some(position) => winners[*position] = (index, row),
                        None => {
                            place.insert(slot, winners.len());
                            winners.push((index, row));
                        }
                    }
                }
            }
        }
        Ok(winners)
    }
}

/// Which of declared-plus-system columns readers see.
fn visible(schema: &StreamSchema, is_table: bool) -> Vec<usize> {
    if is_table {
        let deleted = schema.keyed.as_ref().and_then(|keyed| keyed.deleted);
        return (0..schema.columns.len()).filter(|column| deleted != Some(*column)).collect();
    }
    (0..schema.columns.len() + SystemColumn::ALL.len()).collect()
}

fn is_whole(data_type: &DataType) -> bool {
    data_type.is_signed_integer()
        || matches!(data_type, DataType::UInt8 | DataType::UInt16 | DataType::UInt32)
        || matches!(data_type, DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64)
}

impl Versions {
    fn of(&self, column: Option<&ArrayRef>) -> Result<BatchVersions, ViewsError> {
        Ok(match (self, column) {
            (Self::Integer(_), Some(column)) => {
                let whole = match column.data_type() {
                    DataType::Date32 => cast(&cast(column, &DataType::Int32)?, &DataType::Int64)?,
                    _ => cast(column, &DataType::Int64)?,
                };
                BatchVersions::Integer(whole.as_primitive::<Int64Type>().clone())
            }
            (Self::Bytes(converter, ..), Some(column)) => {
                BatchVersions::Bytes(converter.convert_columns(std::slice::from_ref(column))?)
            }
            _ => BatchVersions::None,
        })
    }

    fn grow(&mut self, slots: usize) {
        match self {
            Self::None => {}
            Self::Integer(versions) => versions.resize(slots, i64::MIN),
            Self::Bytes(_, versions, _) => versions.resize_with(slots, Box::default),
        }
    }

    /// Takes a row's version if it is above the key's, or equal and `ties_win`; says whether it did.
    fn advance(&mut self, slot: usize, batch: &BatchVersions, row: usize, fresh: bool, ties_win: bool) -> bool {
        match (self, batch) {
            (Self::Integer(versions), BatchVersions::Integer(new)) => {
                let new = if new.is_null(row) { i64::MIN } else { new.value(row) };
                let take = fresh || new > versions[slot] || (new == versions[slot] && ties_win);
                if take {
                    versions[slot] = new;
                }
                take
            }
            (Self::Bytes(_, versions, heap), BatchVersions::Bytes(new)) => {
                let new = new.row(row);
                let take = fresh || new.as_ref() > &*versions[slot] || (new.as_ref() == &*versions[slot] && ties_win);
                if take {
                    *heap = *heap + new.as_ref().len() - versions[slot].len();
                    versions[slot] = new.as_ref().into();
                }
                take
            }
            _ => fresh || ties_win,
        }
    }
}

impl State for Keyed {
    fn begin_save(&mut self, full: bool) {
        if full {
            self.keys.mark_occupied(&mut self.unsaved);
        }
    }

    fn unsaved(&self) -> usize {
        marked(&self.unsaved)
    }

    fn save(&mut self, part: Part) -> Result<Vec<RecordBatch>, ViewsError> {
        let slots = part.take_marked(&mut self.unsaved);
        let mut fields = self.key_fields.clone();
        let mut columns = self.keys.decode(&slots)?;
        match &self.versions {
            Versions::None => {}
            Versions::Integer(versions) => {
                fields.push(Field::new("version", DataType::Int64, false));
                columns.push(Arc::new(slots.iter().map(|slot| versions[*slot as usize]).collect::<Int64Array>()));
            }
            Versions::Bytes(_, versions, _) => {
                fields.push(Field::new("version", DataType::Binary, false));
                let values = slots.iter().map(|slot| &*versions[*slot as usize]);
                columns.push(Arc::new(BinaryArray::from_iter_values(values)));
            }
        }
        Ok(vec![RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?])
    }

    fn load(&mut self, saved: Vec<RecordBatch>) -> Result<(), ViewsError> {
        let bad = || ViewsError::BadState("a keyed stream of another layout".to_owned());
        for batch in saved {
            let key_columns = batch.columns().get(..self.key_fields.len()).ok_or_else(bad)?;
            let keys = self.keys.codec().encode(key_columns, batch.num_rows())?;
            let (mut slots, mut created) = (Vec::new(), Vec::new());
            self.keys.intern(&keys, &keys.hashes(), None, &mut slots, &mut created);
            self.unsaved.resize(self.keys.slots(), false);
            self.versions.grow(self.keys.slots());
            let version = batch.columns().get(self.key_fields.len());
            match (&mut self.versions, version) {
                (Versions::None, None) => {}
                (Versions::Integer(versions), Some(saved)) => {
                    let saved = saved.as_primitive_opt::<Int64Type>().ok_or_else(bad)?;
                    slots.iter().zip(saved.values()).for_each(|(slot, version)| versions[*slot as usize] = *version);
                }
                (Versions::Bytes(_, versions, heap), Some(saved)) => {
                    let saved = saved.as_binary_opt::<i32>().ok_or_else(bad)?;
                    for (row, slot) in slots.iter().enumerate() {
                        *heap = *heap + saved.value(row).len() - versions[*slot as usize].len();
                        versions[*slot as usize] = saved.value(row).into();
                    }
                }
                _ => return Err(bad()),
            }
        }
        Ok(())
    }
}
