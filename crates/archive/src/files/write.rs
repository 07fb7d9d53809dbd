//! Writes rows into Parquet files: zstd, statistics and page index, bounded row groups; a new file where the day changes
//! or the size is reached. Files that no commit came to name are left to vacuum.

use std::mem;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use chrono::NaiveDate;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use parquet::arrow::AsyncArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::place::Place;
use crate::stored::Bounds;
use crate::{ArchiveError, DataFile};

/// How hard to compress.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Effort {
    /// For rows that are compacted soon.
    Quick,
    /// For files that stay.
    Thorough,
}

/// Writes rows that come in the order of their days.
pub(crate) struct FileWriter {
    place: Place,
    schema: SchemaRef,
    properties: WriterProperties,
    roll_at_bytes: u64,
    open: Option<OpenFile>,
    done: Vec<DataFile>,
}

struct OpenFile {
    path: Path,
    date: Option<NaiveDate>,
    rows: u64,
    bounds: Vec<Bounds>,
    writer: AsyncArrowWriter<BufWriter>,
}

impl FileWriter {
    /// A writer of files in these (stored) columns, each up to about so many bytes.
    pub(crate) fn new(
        place: &Place,
        schema: SchemaRef,
        roll_at_bytes: u64,
        effort: Effort,
    ) -> Result<Self, ArchiveError> {
        let properties = properties(place, effort).map_err(|source| ArchiveError::parquet(&place.path, source))?;
        Ok(Self { place: place.clone(), schema, properties, roll_at_bytes, open: None, done: Vec::new() })
    }

    /// Writes rows of one day.
    pub(crate) async fn write(&mut self, date: Option<NaiveDate>, rows: &RecordBatch) -> Result<(), ArchiveError> {
        if self.open.as_ref().is_some_and(|open| open.date != date) {
            self.close().await?;
        }
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.start(date)?,
        };
        open.writer.write(rows).await.map_err(|source| ArchiveError::parquet(&open.path, source))?;
        open.rows += rows.num_rows() as u64;
        for (bounds, column) in open.bounds.iter_mut().zip(rows.columns()) {
            bounds.update(column)?;
        }
        let bytes = open.writer.bytes_written() + open.writer.in_progress_size();
        self.open = Some(open);
        if bytes as u64 >= self.roll_at_bytes {
            self.close().await?;
        }
        Ok(())
    }

    /// Closes the last file. All are durable then.
    pub(crate) async fn finish(mut self) -> Result<Vec<DataFile>, ArchiveError> {
        self.close().await?;
        Ok(mem::take(&mut self.done))
    }

    fn start(&self, date: Option<NaiveDate>) -> Result<OpenFile, ArchiveError> {
        let path = self.place.new_file(date);
        let target = BufWriter::new(self.place.store.clone(), path.clone());
        let writer = AsyncArrowWriter::try_new(target, self.schema.clone(), Some(self.properties.clone()))
            .map_err(|source| ArchiveError::parquet(&path, source))?;
        let bounds = self.schema.fields().iter().map(|field| Bounds::new(field)).collect();
        Ok(OpenFile { path, date, rows: 0, bounds, writer })
    }

    async fn close(&mut self) -> Result<(), ArchiveError> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.writer.finish().await.map_err(|source| ArchiveError::parquet(&open.path, source))?;
        self.done.push(DataFile {
            bytes: open.writer.bytes_written() as u64,
            path: open.path,
            rows: open.rows,
            date: open.date,
            columns: open.bounds.into_iter().map(Bounds::finish).collect(),
        });
        Ok(())
    }
}

fn properties(place: &Place, effort: Effort) -> parquet::errors::Result<WriterProperties> {
    let level = match effort {
        Effort::Quick => 1,
        Effort::Thorough => 3,
    };
    let offset = ColumnPath::from("_offset");
    let builder = WriterProperties::builder()
        .set_created_by(concat!("highwater ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_max_row_group_row_count(Some(place.settings.row_group_rows.max(1)))
        .set_max_row_group_bytes(Some(64 << 20))
        // No two values are the same: a dictionary would only cost.
        .set_column_dictionary_enabled(ColumnPath::from("_raw"), false)
        .set_column_dictionary_enabled(offset.clone(), false)
        .set_column_encoding(offset, Encoding::DELTA_BINARY_PACKED);
    Ok(builder.build())
}
