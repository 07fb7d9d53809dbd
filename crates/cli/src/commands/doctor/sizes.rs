//! Bytes on disk below each entry of a data folder.

use std::path::{Path, PathBuf};

/// By name.
pub(super) fn sizes(data: &Path) -> Vec<(String, u64)> {
    let mut sizes: Vec<(String, u64)> = entries(data)
        .map(|path| (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), bytes_below(&path)))
        .collect();
    sizes.sort();
    sizes
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

fn bytes_below(path: &Path) -> u64 {
    match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => entries(path).map(|entry| bytes_below(&entry)).sum(),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    }
}
