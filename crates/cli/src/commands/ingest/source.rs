//! Where events come from: a file or standard input, compressed with gzip or not (told by its first bytes).

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;
use highwater_api::BodyFormat;

use super::run::shown;
use crate::failure::Failure;

const BUFFER_BYTES: usize = 256 << 10;
/// How much of a file is looked at to guess its format.
const GUESS_BYTES: u64 = 64 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file or standard input.
#[derive(Clone, Debug)]
pub(super) struct Source {
    path: PathBuf,
}

/// An opened source: plain bytes, and how far reading the file itself got.
pub(super) struct Opened {
    /// The bytes, decompressed.
    pub(super) bytes: Box<dyn Read + Send>,
    /// Bytes of the file read so far.
    pub(super) position: Arc<AtomicU64>,
    /// Bytes of the file; `None` for standard input.
    pub(super) length: Option<u64>,
}

impl Source {
    pub(super) fn of(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn is_standard_input(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// Opens it from the start. Standard input can be opened once.
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        let position = Arc::new(AtomicU64::new(0));
        let (raw, length): (Box<dyn Read + Send>, _) = if self.is_standard_input() {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(&self.path).map_err(|source| Failure::file("open", &self.path, source))?;
            let meta = file.metadata().map_err(|source| Failure::file("open", &self.path, source))?;
            if meta.is_dir() {
                return Err(Failure::Usage(format!("{} is a folder; name a file", self.path.display())));
            }
            (Box::new(file), meta.is_file().then_some(meta.len()))
        };
        let counted = Counted { inner: raw, position: position.clone() };
        let mut buffered = BufReader::with_capacity(BUFFER_BYTES, counted);
        let start = buffered.fill_buf().map_err(|source| Failure::file("read", &self.path, source))?;
        let bytes: Box<dyn Read + Send> =
            if start.starts_with(&GZIP_MAGIC) { Box::new(MultiGzDecoder::new(buffered)) } else { Box::new(buffered) };
        Ok(Opened { bytes, position, length })
    }

    /// What reading failed with, as a failure that says what is wrong with the file.
    pub(super) fn damaged(&self, error: &io::Error, done: &str) -> Failure {
        let reason = match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("the compressed file ends in the middle; {done}"),
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                format!("the compressed file is damaged ({error}); {done}")
            }
            _ => format!("reading failed ({error}); {done}"),
        };
        Failure::Input { path: PathBuf::from(shown(&self.path)), reason }
    }

    /// The format by the file's name, or else by its beginning.
    pub(super) fn guess_format(&self) -> Result<BodyFormat, Failure> {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
        let extension = name.strip_suffix(".gz").unwrap_or(&name).rsplit_once('.').map_or("", |(_, end)| end);
        match extension {
            "csv" => return Ok(BodyFormat::Csv),
            "ndjson" | "jsonl" => return Ok(BodyFormat::NdJson),
            "txt" | "tsv" | "log" => return Ok(BodyFormat::Text),
            _ if self.is_standard_input() => {
                return Err(Failure::Usage(
                    "how is standard input written? Say --format ndjson, json, csv or text".to_owned(),
                ));
            }
            _ => {}
        }
        let mut beginning = Vec::new();
        let opened = self.open()?;
        // A file that breaks off this early is told so when it is read as a whole.
        let _ = opened.bytes.take(GUESS_BYTES).read_to_end(&mut beginning);
        Ok(guess(&beginning))
    }
}

/// JSON when it begins like JSON (a line at a time when the first line is whole), otherwise CSV.
pub(super) fn guess(beginning: &[u8]) -> BodyFormat {
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning).trim_ascii_start();
    match text.first() {
        Some(b'{') => {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            match serde_json::from_slice::<serde::de::IgnoredAny>(line) {
                Ok(_) => BodyFormat::NdJson,
                Err(_) => BodyFormat::Json,
            }
        }
        Some(b'[') => BodyFormat::Json,
        _ => BodyFormat::Csv,
    }
}

struct Counted {
    inner: Box<dyn Read + Send>,
    position: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.position.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
