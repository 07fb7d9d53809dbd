//! A checkpoint under way on disk: what is gathered is encoded and written at once, to a file of its own, so that no copy of the
//! state is ever held in memory. In the end the header is known: it goes first into the checkpoint, the sections behind it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};

use super::file::{FORMAT_VERSION, HEADER_AT, Header, MAGIC, ObjectHeader, io_error};
use super::{ObjectSave, Saved};
use crate::ViewsError;

/// Sections that wait for their header. Removed when dropped.
#[derive(Debug)]
pub struct Spool {
    /// The checkpoint that it will be.
    path: PathBuf,
    sections_path: PathBuf,
    sections: File,
    /// Bytes written so far.
    end: u64,
    /// What was added: its part of the header, where its sections begin, and their length.
    objects: Vec<(ObjectHeader, u64, u64)>,
}

impl Spool {
    /// Begins the checkpoint that will be at `path`.
    pub(super) fn create(path: &Path) -> Result<Self, ViewsError> {
        let sections_path = path.with_extension("sections.new");
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true).open(&sections_path);
        let sections = file.map_err(|error| io_error("writing", &sections_path, error))?;
        Ok(Self { path: path.to_owned(), sections_path, sections, end: 0, objects: Vec::new() })
    }

    /// Adds what was gathered of an object.
    ///
    /// # Errors
    /// When the disk refuses; the checkpoint cannot be completed then.
    pub fn add(&mut self, object: &ObjectSave) -> Result<(), ViewsError> {
        let begin = self.end;
        let mut parts = Vec::with_capacity(object.parts.len());
        for part in &object.parts {
            let mut listed = Vec::with_capacity(part.len());
            for batch in part {
                let bytes = encode(batch)?;
                self.sections.write_all(&bytes).map_err(|error| io_error("writing", &self.sections_path, error))?;
                self.end += bytes.len() as u64;
                listed.push((bytes.len() as u64, crc32fast::hash(&bytes)));
            }
            parts.push(listed);
        }
        let ObjectSave { id, full, signature, lookups_at, .. } = object;
        let header =
            ObjectHeader { id: *id, full: *full, signature: *signature, lookups_at: lookups_at.clone(), parts };
        self.objects.push((header, begin, self.end - begin));
        Ok(())
    }

    /// Completes the checkpoint with what was added of the objects that are still present, whole and synced. Gives its
    /// size in bytes.
    pub(super) fn finish(&mut self, base: u64, saved: &Saved) -> Result<u64, ViewsError> {
        let mut objects = Vec::with_capacity(self.objects.len());
        let mut ranges: Vec<(u64, u64)> = Vec::new();
        for (header, begin, length) in std::mem::take(&mut self.objects) {
            if !saved.present.contains(&header.id) {
                continue;
            }
            objects.push(header);
            match ranges.last_mut() {
                Some((last, sum)) if *last + *sum == begin => *sum += length,
                _ => ranges.push((begin, length)),
            }
        }
        let Saved { full, offsets, times, .. } = saved;
        let header = Header { base, full: *full, offsets: offsets.clone(), times: times.clone(), objects };
        let header = serde_json::to_vec(&header).map_err(|error| ViewsError::Invariant(error.to_string()))?;
        let temporary = self.path.with_extension("new");
        let size = self.put_together(&temporary, &header, &ranges).map_err(|error| match error {
            Failed::Io(error) => io_error("writing", &self.path, error),
            Failed::TooLong => ViewsError::Invariant("a header over 4 GiB".to_owned()),
        })?;
        let io = |error| io_error("writing", &self.path, error);
        fs::rename(&temporary, &self.path).map_err(io)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok(size)
    }

    fn put_together(&mut self, path: &Path, header: &[u8], ranges: &[(u64, u64)]) -> Result<u64, Failed> {
        let length = u32::try_from(header.len()).map_err(|_| Failed::TooLong)?;
        let mut file = File::create(path)?;
        file.write_all(MAGIC)?;
        file.write_all(&FORMAT_VERSION.to_le_bytes())?;
        file.write_all(&length.to_le_bytes())?;
        file.write_all(&crc32fast::hash(header).to_le_bytes())?;
        file.write_all(header)?;
        let mut size = HEADER_AT as u64 + u64::from(length);
        for (begin, length) in ranges {
            self.sections.seek(SeekFrom::Start(*begin))?;
            size += std::io::copy(&mut (&self.sections).take(*length), &mut file)?;
        }
        file.sync_all()?;
        Ok(size)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // What stays behind is removed when the folder is next opened.
        drop(fs::remove_file(&self.sections_path));
    }
}

/// Why a file could not be put together.
enum Failed {
    Io(std::io::Error),
    TooLong,
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

fn encode(batch: &RecordBatch) -> Result<Vec<u8>, ViewsError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &batch.schema(), options)?;
    writer.write(batch)?;
    Ok(writer.into_inner()?)
}
