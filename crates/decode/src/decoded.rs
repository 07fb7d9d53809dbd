//! What one body became: rows, the raw bytes of each row, and rejects. Read by the engine's ingest.

use std::ops::Range;

use arrow_array::RecordBatch;
use bytes::Bytes;
use highwater_model::{Records, RecordsBuilder};

use crate::Reject;

/// One decoded body.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// The good records in order, in the stream's declared columns.
    pub rows: RecordBatch,
    /// For each row, where its raw record lies in `source`; spans never overlap.
    pub spans: Vec<Range<u32>>,
    /// The body itself, or (CSV with a header) one JSON object a row, so that each stored record stands alone.
    pub source: Bytes,
    /// What was not accepted, in order.
    pub rejects: Vec<Reject>,
    /// The header line of a CSV body, without which its rejects cannot be read.
    pub header: Option<Bytes>,
}

impl Decoded {
    /// All good raw records, row by row.
    #[must_use]
    pub fn records(&self) -> Records {
        self.collect(self.spans.iter(), self.spans.len())
    }

    /// The raw records of some rows, each at most once (such as one partition's).
    ///
    /// # Panics
    /// When a row does not exist.
    #[must_use]
    pub fn gather(&self, rows: &[u32]) -> Records {
        self.collect(rows.iter().map(|row| &self.spans[*row as usize]), rows.len())
    }

    fn collect<'a>(&self, spans: impl Iterator<Item = &'a Range<u32>> + Clone, count: usize) -> Records {
        let bytes = spans.clone().map(|span| span.len()).sum();
        let mut records = RecordsBuilder::with_capacity(count, bytes);
        for span in spans {
            // Distinct rows of one source cannot exceed the source, whose length fits.
            let fitted = records.push(&self.source[span.start as usize..span.end as usize]);
            debug_assert!(fitted, "distinct spans fit a buffer");
        }
        records.finish()
    }
}
