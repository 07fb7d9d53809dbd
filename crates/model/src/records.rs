//! Raw records as they came, end to end in one buffer: what the log stores and what replay decodes again.

use bytes::Bytes;

/// Raw records: record `i` is `bytes[ends[i-1]..ends[i]]` (from 0 for the first).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    bytes: Bytes,
    ends: Vec<u32>,
}

impl Records {
    /// Records from a buffer and the end of each. Returns `None` unless the ends rise (equal is an empty record)
    /// and the last one is the buffer's length.
    #[must_use]
    pub fn new(bytes: Bytes, ends: Vec<u32>) -> Option<Self> {
        let rising = ends.windows(2).all(|pair| pair[0] <= pair[1]);
        let whole = ends.last().copied().unwrap_or(0) as usize == bytes.len();
        (rising && whole).then_some(Self { bytes, ends })
    }

    /// Number of records.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One record's bytes.
    #[must_use]
    pub fn get(&self, record: usize) -> &[u8] {
        let start = if record == 0 { 0 } else { self.ends[record - 1] as usize };
        &self.bytes[start..self.ends[record] as usize]
    }

    /// The records in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        (0..self.len()).map(|record| self.get(record))
    }

    /// The whole buffer.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// End of each record in the buffer.
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The records from `first` on (a cheap slice of the same buffer).
    #[must_use]
    pub fn skip(&self, first: usize) -> Self {
        if first == 0 {
            return self.clone();
        }
        let first = first.min(self.len());
        let start = if first == 0 { 0 } else { self.ends[first - 1] };
        Self {
            bytes: self.bytes.slice(start as usize..),
            ends: self.ends[first..].iter().map(|end| end - start).collect(),
        }
    }
}

/// Collects records one by one.
#[derive(Debug, Default)]
pub struct RecordsBuilder {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl RecordsBuilder {
    /// A builder with room for so many records and bytes.
    #[must_use]
    pub fn with_capacity(records: usize, bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ends: Vec::with_capacity(records) }
    }

    /// Adds a record. Returns whether it fitted: a buffer holds at most 4 GiB.
    #[must_use]
    pub fn push(&mut self, record: &[u8]) -> bool {
        match u32::try_from(self.bytes.len() + record.len()) {
            Ok(end) => {
                self.bytes.extend_from_slice(record);
                self.ends.push(end);
                true
            }
            Err(_) => false,
        }
    }

    /// Number of records so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The records.
    #[must_use]
    pub fn finish(self) -> Records {
        Records { bytes: self.bytes.into(), ends: self.ends }
    }
}
