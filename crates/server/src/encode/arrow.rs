//! Rows as an Arrow IPC stream (`application/vnd.apache.arrow.stream`), the exact types included.

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Schema};

use super::write::Encode;

/// The encoder.
pub(crate) struct ArrowStream(StreamWriter<Vec<u8>>);

impl ArrowStream {
    pub(crate) fn new(schema: &Schema) -> Result<Self, ArrowError> {
        Ok(Self(StreamWriter::try_new(Vec::new(), schema)?))
    }

    fn written(&mut self) -> Vec<u8> {
        std::mem::take(self.0.get_mut())
    }
}

impl Encode for ArrowStream {
    fn begin(&mut self) -> Result<Vec<u8>, ArrowError> {
        Ok(self.written())
    }

    fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.0.write(batch)?;
        Ok(self.written())
    }

    fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        self.0.finish()?;
        Ok(self.written())
    }
}
