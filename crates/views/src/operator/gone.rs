//! Rows that an operator or store let go of since the last checkpoint, which the next one must say. Kept with their size,
//! since many may go between two checkpoints.

use arrow_array::{Array, ArrayRef};

/// Keys or rows that are gone, in the order in which they went.
#[derive(Default)]
pub(crate) struct Gone {
    parts: Vec<Vec<ArrayRef>>,
    bytes: usize,
}

impl Gone {
    /// Adds rows, as columns of equal length.
    pub(crate) fn push(&mut self, columns: Vec<ArrayRef>) {
        self.bytes +=
            columns.iter().map(|column| column.get_array_memory_size() + size_of::<ArrayRef>()).sum::<usize>();
        self.parts.push(columns);
    }

    /// All of them; none are left.
    pub(crate) fn take(&mut self) -> Vec<Vec<ArrayRef>> {
        self.bytes = 0;
        std::mem::take(&mut self.parts)
    }

    /// Forgets them.
    pub(crate) fn clear(&mut self) {
        drop(self.take());
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes + self.parts.capacity() * size_of::<Vec<ArrayRef>>()
    }
}
