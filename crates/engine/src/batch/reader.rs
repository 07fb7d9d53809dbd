//! Reading a batch result as the leaf of a query. Its files are checked against their checksums before the first row is
//! given; one that is not what was written is set aside.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use futures::stream;
use highwater_api::ApiError;
use highwater_sql::datafusion::error::{DataFusionError, Result};
use highwater_sql::datafusion::execution::{SendableRecordBatchStream, TaskContext};
use highwater_sql::datafusion::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use highwater_sql::datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use highwater_sql::datafusion::physical_plan::streaming::PartitionStream;

use super::manifest::{BatchFile, Manifest};
use super::store::Batches;

/// The rows of a batch result: a partition for each file.
///
/// # Errors
/// When a file cannot be opened; the result is then set aside.
pub(crate) fn rows_of(
    batches: &Arc<Batches>,
    manifest: &Manifest,
) -> Result<(SchemaRef, Vec<Arc<dyn PartitionStream>>), ApiError> {
    let folder = batches.place(manifest);
    let mut schema = None;
    let mut partitions: Vec<Arc<dyn PartitionStream>> = Vec::new();
    for file in &manifest.files {
        let path = folder.join(&file.name);
        let read = schema_of(&path).map_err(|error| batches.damaged(manifest, &error.strip_backtrace()))?;
        let stored = Stored { batches: Arc::clone(batches), manifest: manifest.clone(), file: file.clone(), path };
        partitions.push(Arc::new(FilePartition { schema: Arc::clone(&read), stored: Arc::new(stored) }));
        schema = Some(read);
    }
    Ok((schema.ok_or_else(|| batches.damaged(manifest, "it has no file"))?, partitions))
}

fn schema_of(path: &Path) -> Result<SchemaRef> {
    Ok(Arc::clone(ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?.schema()))
}

/// A file of a result.
#[derive(Debug)]
struct Stored {
    batches: Arc<Batches>,
    manifest: Manifest,
    file: BatchFile,
    path: PathBuf,
}

impl Stored {
    /// Opens the file when its checksum fits.
    fn open(&self) -> Result<ParquetRecordBatchReader> {
        if checksum(&self.path)? != self.file.crc32 {
            let why = format!("the checksum of {} does not fit", self.file.name);
            return Err(DataFusionError::External(Box::new(self.batches.damaged(&self.manifest, &why))));
        }
        Ok(ParquetRecordBatchReaderBuilder::try_new(File::open(&self.path)?)?.build()?)
    }
}

fn checksum(path: &Path) -> io::Result<u32> {
    let (mut file, mut sum, mut buffer) = (File::open(path)?, crc32fast::Hasher::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(sum.finalize()),
            read => sum.update(&buffer[..read]),
        }
    }
}

#[derive(Debug)]
struct FilePartition {
    schema: SchemaRef,
    stored: Arc<Stored>,
}

impl PartitionStream for FilePartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let stored = Arc::clone(&self.stored);
        let rows = stream::try_unfold(None, move |reader| next(reader, Arc::clone(&stored)));
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), rows))
    }
}

type Step = Option<(RecordBatch, Option<ParquetRecordBatchReader>)>;

/// The next rows, read beside the runtime's threads.
async fn next(reader: Option<ParquetRecordBatchReader>, stored: Arc<Stored>) -> Result<Step> {
    let work = tokio::task::spawn_blocking(move || -> Result<Step> {
        let mut reader = match reader {
            Some(reader) => reader,
            None => stored.open()?,
        };
        Ok(reader.next().transpose()?.map(|rows| (rows, Some(reader))))
    });
    work.await.map_err(|error| DataFusionError::Execution(format!("reading stopped: {error}")))?
}
