//! Reads a data file batch by batch. The file is held whole, compressed: it is at most about the target size.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use object_store::path::Path;
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::ArchiveError;
use crate::place::Place;
use crate::stored::conform;

/// The rows of one file in the columns of a schema.
pub(crate) struct FileReader {
    reader: ParquetRecordBatchReader,
    schema: SchemaRef,
    path: Path,
}

impl FileReader {
    /// Opens a file's bytes. Columns of `schema` that the file lacks are NULL.
    pub(crate) fn new(path: Path, bytes: Bytes, schema: SchemaRef, batch_rows: usize) -> Result<Self, ArchiveError> {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
            .and_then(|builder| builder.with_batch_size(batch_rows).build())
            .map_err(|source| ArchiveError::parquet(&path, source))?;
        Ok(Self { reader, schema, path })
    }

    /// Fetches and opens a file.
    pub(crate) async fn open(
        place: &Place,
        path: &Path,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<Self, ArchiveError> {
        Self::new(path.clone(), place.read(path).await?, schema, batch_rows)
    }

    /// The next rows; `None` after the last.
    pub(crate) fn next(&mut self) -> Result<Option<RecordBatch>, ArchiveError> {
        match self.reader.next() {
            Some(Ok(batch)) => Ok(Some(conform(&batch, &self.schema)?)),
            Some(Err(error)) => Err(ArchiveError::parquet(&self.path, error.into())),
            None => Ok(None),
        }
    }
}
