//! The threads of a tick. Work is split into a fixed number of independent pieces whose results come back in order,
//! so that any number of threads gives the same answer.

use crate::ViewsError;

/// Pieces of an operator's state, by hash of the key. A constant, so that results do not depend on the number of threads.
pub(crate) const SHARDS: usize = 8;

/// The shard of a key's hash, of so many (a power of two). Bits 32 and up pick it: the table inside a shard uses the
/// lowest and the highest.
pub(crate) fn shard_of(hash: u64, shards: usize) -> usize {
    (hash >> 32) as usize & (shards - 1)
}

/// Below this many rows a tick is not worth waking another thread.
const PARALLEL_ROWS: usize = 8_192;

/// Runs pieces of a tick on a pool of threads, or right here when there is little to do.
pub(crate) struct Workers {
    pool: Option<rayon::ThreadPool>,
}

impl Workers {
    /// `threads` of them; with one, everything runs on the calling thread.
    pub(crate) fn new(threads: usize) -> Result<Self, ViewsError> {
        if threads <= 1 {
            return Ok(Self { pool: None });
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("tick-{index}"))
            .build()
            .map_err(|error| ViewsError::Invariant(format!("starting tick threads: {error}")))?;
        Ok(Self { pool: Some(pool) })
    }

    /// Applies `work` to every piece; results in the order of the pieces. `rows` is how much there is to do in all.
    pub(crate) fn map<T: Send, R: Send>(
        &self,
        rows: usize,
        pieces: impl IntoIterator<Item = T>,
        work: impl Fn(T) -> Result<R, ViewsError> + Send + Sync,
    ) -> Result<Vec<R>, ViewsError> {
        use rayon::iter::{IntoParallelIterator, ParallelIterator};
        match &self.pool {
            Some(pool) if rows >= PARALLEL_ROWS => {
                let pieces: Vec<T> = pieces.into_iter().collect();
                pool.install(|| pieces.into_par_iter().map(work).collect())
            }
            _ => pieces.into_iter().map(work).collect(),
        }
    }
}
