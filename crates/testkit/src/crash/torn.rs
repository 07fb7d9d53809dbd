//! Torn tails: bytes at the end of the newest segment of every stream, such as a write that a crash cut short leaves behind.
//! Nothing acknowledged is touched.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use rand::{Rng, RngCore};
use rand_chacha::ChaCha8Rng;

use crate::TestkitError;

/// Most bytes added.
const LONGEST_TAIL: usize = 5000;

/// Adds random bytes, or a copy of the segment's own beginning, which looks like a block; gives how many segments it
/// touched.
pub(super) fn tear(data: &Path, random: &mut ChaCha8Rng) -> Result<usize, TestkitError> {
    let segments = newest_segments(&data.join("log"))?;
    for segment in &segments {
        let what = || format!("tearing {}", segment.display());
        let length = random.random_range(1..=LONGEST_TAIL);
        let mut tail = vec![0; length];
        match random.random_range(0..3) {
            0 => {}
            1 => random.fill_bytes(&mut tail),
            _ => {
                tail = std::fs::read(segment).map_err(TestkitError::io(what()))?;
                tail.truncate(length);
            }
        }
        let mut file = OpenOptions::new().append(true).open(segment).map_err(TestkitError::io(what()))?;
        file.write_all(&tail).map_err(TestkitError::io(what()))?;
    }
    Ok(segments.len())
}

/// The last segment of each stream.
fn newest_segments(log: &Path) -> Result<Vec<PathBuf>, TestkitError> {
    let mut newest = Vec::new();
    for stream in entries(log)?.into_iter().filter(|path| path.is_dir()) {
        let segments = entries(&stream)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "seg"));
        newest.extend(segments.max());
    }
    Ok(newest)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, TestkitError> {
    let what = || format!("listing {}", folder.display());
    std::fs::read_dir(folder)
        .map_err(TestkitError::io(what()))?
        .map(|entry| entry.map(|entry| entry.path()).map_err(TestkitError::io(what())))
        .collect()
}
