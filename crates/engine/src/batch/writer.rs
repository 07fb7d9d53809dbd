//! Writing a batch result: into a folder of another name, which gets its own when everything in it is durable. A crash at
//! any moment leaves the results there were; what it leaves half-written is removed at the next start.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_cast::cast;
use arrow_schema::SchemaRef;
use highwater_api::ApiError;
use highwater_sql::datafusion::parquet::arrow::ArrowWriter;
use highwater_sql::datafusion::parquet::basic::{Compression, ZstdLevel};
use highwater_sql::datafusion::parquet::file::properties::WriterProperties;

use super::manifest::{BatchFile, Manifest};
use crate::error::EngineError;

/// The file of the rows.
const ROWS: &str = "rows.parquet";
/// Bytes of a row group that are held until it is written.
const GROUP_BYTES: usize = 64 << 20;

/// A batch result that is being written. Dropping it unfinished removes it.
pub(crate) struct BatchWriter {
    /// The folder while it is written.
    temporary: PathBuf,
    /// The folder then.
    folder: PathBuf,
    schema: SchemaRef,
    parquet: Option<ArrowWriter<Summed>>,
    rows: u64,
}

/// A file whose bytes are summed up as they are written.
struct Summed {
    file: File,
    bytes: u64,
    crc32: crc32fast::Hasher,
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        self.crc32.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl BatchWriter {
    /// Begins a result of these columns.
    pub(super) fn begin(temporary: PathBuf, folder: PathBuf, schema: SchemaRef) -> Result<Self, ApiError> {
        let open = || -> io::Result<File> {
            if temporary.exists() {
                fs::remove_dir_all(&temporary)?;
            }
            fs::create_dir_all(&temporary)?;
            File::create(temporary.join(ROWS))
        };
        let file = open().map_err(|source| failed(&temporary, source))?;
        let level = ZstdLevel::try_new(1).map_err(defect)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let summed = Summed { file, bytes: 0, crc32: crc32fast::Hasher::new() };
        let parquet = ArrowWriter::try_new(summed, Arc::clone(&schema), Some(properties)).map_err(defect)?;
        Ok(Self { temporary, folder, schema, parquet: Some(parquet), rows: 0 })
    }

    /// Adds rows.
    pub(crate) fn write(&mut self, rows: &RecordBatch) -> Result<(), ApiError> {
        let Some(parquet) = &mut self.parquet else { return Err(ApiError::internal("a result that is finished")) };
        let columns = rows.columns().iter().zip(self.schema.fields()).map(|(column, field)| {
            match column.data_type() == field.data_type() {
                true => Ok(Arc::clone(column)),
                false => cast(column, field.data_type()),
            }
        });
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(defect)?;
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(defect)?;
        parquet.write(&rows).map_err(defect)?;
        self.rows += rows.num_rows() as u64;
        if parquet.in_progress_size() > GROUP_BYTES {
            parquet.flush().map_err(defect)?;
        }
        Ok(())
    }

    /// Makes the result durable and gives it its name; says how many rows and which files it has.
    pub(super) fn finish(mut self, mut manifest: Manifest) -> Result<Manifest, ApiError> {
        let Some(mut parquet) = self.parquet.take() else {
            return Err(ApiError::internal("a result that is finished"));
        };
        parquet.finish().map_err(defect)?;
        let summed = parquet.inner();
        manifest.files =
            vec![BatchFile { name: ROWS.to_owned(), bytes: summed.bytes, crc32: summed.crc32.clone().finalize() }];
        manifest.rows = self.rows;
        let place = || -> io::Result<()> {
            summed.file.sync_all()?;
            manifest.write(&self.temporary)?;
            File::open(&self.temporary)?.sync_all()?;
            fs::rename(&self.temporary, &self.folder)?;
            match self.folder.parent() {
                Some(parent) => File::open(parent)?.sync_all(),
                None => Ok(()),
            }
        };
        place().map_err(|source| failed(&self.temporary, source))?;
        Ok(manifest)
    }
}

impl Drop for BatchWriter {
    fn drop(&mut self) {
        if self.temporary.exists()
            && let Err(error) = fs::remove_dir_all(&self.temporary)
        {
            tracing::warn!(folder = %self.temporary.display(), %error, "an unfinished batch result is left behind");
        }
    }
}

fn failed(path: &std::path::Path, source: io::Error) -> ApiError {
    EngineError::Io { context: format!("writing {}", path.display()), source }.into()
}

fn defect(error: impl std::fmt::Display) -> ApiError {
    ApiError::internal(format!("writing a batch result: {error}"))
}
