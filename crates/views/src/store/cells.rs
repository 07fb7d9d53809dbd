//! One column of one chunk: typed cells that can be overwritten in place and turned into an Arrow array by a memcpy.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BinaryViewBuilder, LargeBinaryBuilder, LargeStringBuilder, StringBuilder, StringViewBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, make_array, new_null_array};
use arrow_buffer::{Buffer, NullBuffer};
use arrow_data::ArrayData;
use arrow_row::{RowConverter, SortField};
use arrow_schema::DataType;

use crate::ViewsError;

/// The cells of a column, by row of the chunk.
#[derive(Clone, Debug)]
pub(super) enum Cells {
    /// Fixed width: as many bytes a cell as the column's kind says (booleans take one), and whether each is valid.
    Fixed { bytes: Vec<u8>, valid: Vec<bool> },
    /// Strings, binaries, and anything nested (in Arrow's row format): `None` is NULL for strings and binaries.
    Heap { cells: Vec<Option<Box<[u8]>>>, heap_bytes: usize },
    /// A column of type NULL.
    Null { rows: usize },
}

/// How a column's values are read from arrays and written back.
#[derive(Debug)]
pub(super) enum CellKind {
    Boolean,
    Fixed(usize),
    Text,
    Null,
    /// Nested and other types, through the row format.
    Rows(RowConverter),
}

impl CellKind {
    pub(super) fn of(data_type: &DataType) -> Result<Self, ViewsError> {
        Ok(match data_type {
            DataType::Null => Self::Null,
            DataType::Boolean => Self::Boolean,
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView => Self::Text,
            other => match other.primitive_width() {
                Some(width) => Self::Fixed(width),
                None => Self::Rows(RowConverter::new(vec![SortField::new(other.clone())])?),
            },
        })
    }

    pub(super) fn empty(&self) -> Cells {
        match self {
            Self::Boolean | Self::Fixed(_) => Cells::Fixed { bytes: Vec::new(), valid: Vec::new() },
            Self::Null => Cells::Null { rows: 0 },
            Self::Text | Self::Rows(_) => Cells::Heap { cells: Vec::new(), heap_bytes: 0 },
        }
    }

    /// A reader of this column's array, prepared once a batch.
    pub(super) fn reader<'a>(&self, array: &'a ArrayRef) -> Result<CellReader<'a>, ViewsError> {
        Ok(match self {
            Self::Null => CellReader::Null,
            Self::Boolean => CellReader::Boolean(array.as_boolean()),
            Self::Fixed(width) => {
                let data = array.to_data();
                let start = data.offset() * width;
                let bytes = data.buffers()[0].slice_with_length(start, array.len() * width);
                CellReader::Fixed { bytes, width: *width, nulls: array.nulls().cloned() }
            }
            Self::Text => CellReader::Text(array),
            Self::Rows(converter) => CellReader::Rows(converter.convert_columns(std::slice::from_ref(array))?),
        })
    }

    /// `len` cells as an array; `at` says where each lies.
    pub(super) fn array<'a>(
        &self,
        data_type: &DataType,
        len: usize,
        at: impl Fn(usize) -> (&'a Cells, usize),
    ) -> Result<ArrayRef, ViewsError> {
        match self {
            Self::Boolean => {
                let values: Vec<bool> = (0..len).map(|i| fixed(at(i), 1)[0] != 0).collect();
                Ok(Arc::new(BooleanArray::new(values.into(), nulls(len, at))))
            }
            Self::Fixed(width) => {
                let mut gathered = Vec::with_capacity(len * width);
                for i in 0..len {
                    gathered.extend_from_slice(fixed(at(i), *width));
                }
                fixed_array(data_type, len, Buffer::from(gathered.as_slice()), nulls(len, at))
            }
            Self::Text => text_array((0..len).map(|i| heap(at(i))), data_type),
            Self::Rows(converter) => {
                let parser = converter.parser();
                let parsed = (0..len).map(|i| parser.parse(heap(at(i)).unwrap_or_default()));
                let mut columns = converter.convert_rows(parsed)?;
                columns.pop().ok_or_else(|| ViewsError::Invariant("a column became none".to_owned()))
            }
            Self::Null => Ok(new_null_array(data_type, len)),
        }
    }

    /// The first `len` cells as an array: a memcpy where the type allows it.
    pub(super) fn prefix(&self, cells: &Cells, data_type: &DataType, len: usize) -> Result<ArrayRef, ViewsError> {
        match (self, cells) {
            (Self::Fixed(width), Cells::Fixed { bytes, valid }) => {
                let all_valid = valid[..len].iter().all(|valid| *valid);
                let nulls = (!all_valid).then(|| NullBuffer::from(valid[..len].to_vec()));
                fixed_array(data_type, len, Buffer::from(&bytes[..len * width]), nulls)
            }
            _ => self.array(data_type, len, |i| (cells, i)),
        }
    }
}

/// Reads one column of a batch, row by row.
pub(super) enum CellReader<'a> {
    Boolean(&'a BooleanArray),
    Fixed { bytes: Buffer, width: usize, nulls: Option<NullBuffer> },
    Text(&'a ArrayRef),
    Rows(arrow_row::Rows),
    Null,
}

impl Cells {
    /// Writes the reader's row `from` to the chunk's row `to`, which is at most one past the end.
    pub(super) fn set(&mut self, to: usize, reader: &CellReader<'_>, from: usize) {
        match (self, reader) {
            (Self::Fixed { bytes, valid }, CellReader::Boolean(array)) => {
                if to == valid.len() {
                    bytes.push(0);
                    valid.push(true);
                }
                valid[to] = array.is_valid(from);
                bytes[to] = u8::from(array.value(from));
            }
            (Self::Fixed { bytes, valid }, CellReader::Fixed { bytes: source, width, nulls }) => {
                if to == valid.len() {
                    bytes.resize(bytes.len() + width, 0);
                    valid.push(true);
                }
                valid[to] = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(from));
                bytes[to * width..][..*width].copy_from_slice(&source[from * width..][..*width]);
            }
            (Self::Heap { cells, heap_bytes }, reader) => {
                let new: Option<Box<[u8]>> = match reader {
                    CellReader::Text(array) => text_bytes(array, from).map(Into::into),
                    CellReader::Rows(rows) => Some(rows.row(from).as_ref().into()),
                    _ => None,
                };
                *heap_bytes += new.as_ref().map_or(0, |cell| cell.len());
                if to == cells.len() {
                    cells.push(new);
                } else {
                    *heap_bytes -= std::mem::replace(&mut cells[to], new).map_or(0, |cell| cell.len());
                }
            }
            (Self::Null { rows }, _) => *rows = (*rows).max(to + 1),
            (Self::Fixed { .. }, _) => debug_assert!(false, "a reader of another kind"),
        }
    }

    /// Reads a row's cell, wherever it lies; the number is of no use.
    pub(super) fn touch(&self, row: usize) -> u64 {
        match self {
            Self::Fixed { bytes, valid } => {
                let width = bytes.len() / valid.len().max(1);
                u64::from(bytes[row * width]) + u64::from(valid[row])
            }
            Self::Heap { cells, .. } => cells[row].as_ref().map_or(0, |cell| cell.len() as u64),
            Self::Null { .. } => 0,
        }
    }

    /// Lets go of what a dead row holds on the heap.
    pub(super) fn release(&mut self, row: usize) {
        if let Self::Heap { cells, heap_bytes } = self {
            *heap_bytes -= cells[row].take().map_or(0, |cell| cell.len());
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Fixed { bytes, valid } => bytes.capacity() + valid.capacity(),
            Self::Heap { cells, heap_bytes } => cells.capacity() * size_of::<Option<Box<[u8]>>>() + heap_bytes,
            Self::Null { .. } => 0,
        }
    }
}

fn fixed((cells, row): (&Cells, usize), width: usize) -> &[u8] {
    match cells {
        Cells::Fixed { bytes, .. } => &bytes[row * width..][..width],
        _ => &[0; 32][..width],
    }
}

fn heap((cells, row): (&Cells, usize)) -> Option<&[u8]> {
    match cells {
        Cells::Heap { cells, .. } => cells[row].as_deref(),
        _ => None,
    }
}

fn nulls<'a>(len: usize, at: impl Fn(usize) -> (&'a Cells, usize)) -> Option<NullBuffer> {
    let valid = |i| match at(i) {
        (Cells::Fixed { valid, .. }, row) => valid[row],
        _ => false,
    };
    if (0..len).all(valid) { None } else { Some(NullBuffer::from((0..len).map(valid).collect::<Vec<_>>())) }
}

fn fixed_array(
    data_type: &DataType,
    len: usize,
    buffer: Buffer,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ViewsError> {
    let data = ArrayData::builder(data_type.clone()).len(len).add_buffer(buffer).nulls(nulls).align_buffers(true);
    Ok(make_array(data.build()?))
}

fn text_bytes(array: &ArrayRef, row: usize) -> Option<&[u8]> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        DataType::Utf8View => array.as_string_view().value(row).as_bytes(),
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        _ => array.as_binary_view().value(row),
    })
}

fn text_array<'a>(
    values: impl Iterator<Item = Option<&'a [u8]>>,
    data_type: &DataType,
) -> Result<ArrayRef, ViewsError> {
    macro_rules! strings {
        ($builder:expr) => {{
            let mut builder = $builder;
            for value in values {
                builder.append_option(value.map(std::str::from_utf8).transpose().map_err(not_text)?);
            }
            Arc::new(builder.finish()) as ArrayRef
        }};
    }
    macro_rules! binaries {
        ($builder:expr) => {{
            let mut builder = $builder;
            values.for_each(|value| builder.append_option(value));
            Arc::new(builder.finish()) as ArrayRef
        }};
    }
    Ok(match data_type {
        DataType::Utf8 => strings!(StringBuilder::new()),
        DataType::LargeUtf8 => strings!(LargeStringBuilder::new()),
        DataType::Utf8View => strings!(StringViewBuilder::new()),
        DataType::Binary => binaries!(BinaryBuilder::new()),
        DataType::LargeBinary => binaries!(LargeBinaryBuilder::new()),
        _ => binaries!(BinaryViewBuilder::new()),
    })
}

fn not_text(error: std::str::Utf8Error) -> ViewsError {
    ViewsError::Invariant(format!("a text cell holds no UTF-8: {error}"))
}
