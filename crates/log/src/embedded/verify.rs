//! Reads every acknowledged byte of a stream and reports what it holds and what is wrong. Called through `EmbeddedLog`
//! for `doctor`, and by `quarantine`. Changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use highwater_model::{Offset, PartitionId, PartitionRange};

use super::block::{Batch, BlockHeader, Body};
use super::committed::CommittedFile;
use super::failure::io_error;
use super::index::{Ends, Summary};
use super::layout;
use super::replay::{Replay, Standing};
use super::report::{AsideFile, Finding, PartitionReport, StreamReport};
use super::scan::{Damage, Visitor, scan};
use super::segment::{HEAD_BYTES, SegmentFile};
use super::stream::Stream;
use super::view::{View, at};
use crate::LogError;

/// Records and stored bytes of each partition.
type Counts = BTreeMap<PartitionId, (u64, u64)>;

/// Reads a stream up to where it was durable when this began.
pub(crate) fn verify(stream: &Stream) -> Result<StreamReport, LogError> {
    let view = stream.view.read().clone();
    let mut walk = Walk { stream, view: &view, before: None, counts: Counts::new(), findings: Vec::new() };
    let mut segments = 1;
    for sealed in &view.sealed {
        let segment = SegmentFile::open(&*stream.shared.storage, &stream.folder, stream.id, sealed.segment);
        let segment = match segment {
            Ok(segment) => segment,
            // Trimmed since we looked.
            Err(_) if stream.view.read().sealed.iter().all(|now| now.segment != sealed.segment) => continue,
            Err(error) => return Err(error),
        };
        segments += 1;
        walk.segment(&segment, Some(&sealed.summary))?;
    }
    walk.segment(&view.active.file, None)?;
    walk.add_damage_met_at_open();
    let Walk { counts, findings, .. } = walk;
    Ok(StreamReport {
        stream: stream.id,
        folder: stream.folder.clone(),
        segments,
        bytes: view.size().bytes,
        partitions: partitions(&view, &counts),
        aside: aside(stream)?,
        findings,
    })
}

fn partitions(view: &View, counts: &Counts) -> Vec<PartitionReport> {
    let report = |partition| {
        let (records, bytes) = counts.get(&partition).copied().unwrap_or_default();
        PartitionReport { partition, bounds: view.bounds(partition), records, bytes }
    };
    all_partitions(view).map(report).filter(|report| !report.partition.is_rejects() || report.bounds.next > 0).collect()
}

/// Files of bytes that recovery or quarantine set aside.
fn aside(stream: &Stream) -> Result<Vec<AsideFile>, LogError> {
    let storage = &*stream.shared.storage;
    let mut names = storage.list(&stream.folder).map_err(|error| io_error("list", &stream.folder, error))?;
    names.retain(|name| name.ends_with(".torn") || name.ends_with(".damaged"));
    names.sort_unstable();
    let size = |path: PathBuf| {
        let bytes = storage.open(&path).and_then(|file| file.size());
        bytes.map(|bytes| AsideFile { path: path.clone(), bytes }).map_err(|error| io_error("stat", &path, error))
    };
    names.into_iter().map(|name| size(stream.folder.join(name))).collect()
}

/// The walk over a stream's segments.
struct Walk<'a> {
    stream: &'a Stream,
    view: &'a View,
    /// The segment before and where everything stood after it.
    before: Option<(u64, Standing)>,
    counts: Counts,
    findings: Vec<Finding>,
}

impl Walk<'_> {
    fn segment(&mut self, segment: &SegmentFile, sealed: Option<&Summary>) -> Result<(), LogError> {
        let mut visitor = Verifier::begin(self, segment);
        match segment.check_head() {
            Err(LogError::Damaged { reason, .. }) => visitor.note(0, HEAD_BYTES as u64, reason),
            other => other?,
        }
        let size = segment.size()?;
        let limit = match sealed {
            Some(sealed) => sealed.bytes,
            None => self.durable_bytes(segment)?,
        };
        scan(segment, size.min(limit), limit, &mut visitor)?;
        match sealed {
            Some(sealed) => visitor.end_at(&sealed.next),
            None => visitor.leave_untold(),
        }
        let Verifier { replay, findings, counts, .. } = visitor;
        self.findings.extend(findings);
        for (partition, (records, bytes)) in counts {
            let total = self.counts.entry(partition).or_default();
            *total = (total.0 + records, total.1 + bytes);
        }
        self.before = Some((segment.home.segment, replay.standing));
        Ok(())
    }

    /// How far the active segment was acknowledged. Of a damaged stream nothing was settled: all that is there counts.
    fn durable_bytes(&self, segment: &SegmentFile) -> Result<u64, LogError> {
        if self.stream.damage.is_none() {
            return Ok(self.view.active.summary.bytes);
        }
        let sidecar = CommittedFile::open(&*self.stream.shared.storage, &self.stream.folder)?;
        let committed = sidecar.map(|sidecar| sidecar.get()).transpose()?.flatten();
        let committed = committed.filter(|committed| committed.segment == segment.home.segment);
        Ok(committed.map_or(0, |committed| committed.position).max(segment.size()?))
    }

    /// What made the stream read-only at open and cannot be seen by reading what is there: above all, a last segment
    /// that is gone.
    fn add_damage_met_at_open(&mut self) {
        let Some(LogError::Damaged { path, position, reason }) = &self.stream.damage else { return };
        if self.findings.iter().any(|finding| !finding.quarantined && finding.path == *path) {
            return;
        }
        let finding = missing(self.stream, path.clone(), reason);
        let untold = all_partitions(self.view).collect();
        self.findings.push(Finding { position: *position, end: *position, untold, ..finding });
    }
}

/// A finding that only a backup can mend.
fn missing(stream: &Stream, path: PathBuf, reason: &str) -> Finding {
    Finding {
        stream: stream.id,
        path,
        position: 0,
        end: 0,
        reason: reason.to_owned(),
        lost: Vec::new(),
        untold: Vec::new(),
        repairable: false,
        quarantined: false,
        ends: None,
    }
}

/// Everything a stream can hold.
fn all_partitions(view: &View) -> impl Iterator<Item = PartitionId> {
    (0..view.partitions).map(PartitionId).chain([PartitionId::REJECTS])
}

/// The check of one segment. Of every partition it knows which findings came since its last record: when the next one
/// begins higher than it should, the records between were in the first of those.
struct Verifier<'a> {
    stream: &'a Stream,
    view: &'a View,
    segment: &'a SegmentFile,
    replay: Replay,
    counts: Counts,
    findings: Vec<Finding>,
    /// How many findings there were when a partition was last heard of.
    heard: BTreeMap<PartitionId, usize>,
    /// The same for all that are not in `heard`.
    all_heard: usize,
}

impl<'a> Verifier<'a> {
    /// Begins a segment after what came before it.
    fn begin<'b: 'a>(walk: &mut Walk<'b>, segment: &'a SegmentFile) -> Self {
        let (stream, view) = (walk.stream, walk.view);
        let max_producers = stream.shared.settings.max_producers;
        let mut findings = Vec::new();
        let replay = match walk.before.take() {
            Some((previous, standing)) => {
                let gone = (previous + 1..segment.home.segment).map(|gone| layout::segment_file(&stream.folder, gone));
                findings.extend(gone.map(|path| missing(stream, path, "the segment is missing")));
                Replay::after(standing, max_producers)
            }
            None => Replay::new(max_producers),
        };
        let (counts, heard) = (Counts::new(), BTreeMap::new());
        Self { stream, view, segment, replay, counts, findings, heard, all_heard: 0 }
    }

    fn note(&mut self, position: u64, end: u64, reason: impl Into<String>) {
        let finding = missing(self.stream, self.segment.path.clone(), &reason.into());
        self.findings.push(Finding { position, end, repairable: true, ..finding });
    }

    /// The next record of a partition that is there, or may be, has this offset; `before` is where it stood.
    fn begins_at(&mut self, partition: PartitionId, offset: Offset, before: &Ends) {
        let unheard = self.heard.insert(partition, self.findings.len()).unwrap_or(self.all_heard);
        // What was trimmed is not lost; before the first segment there was nothing.
        let floor = if self.segment.home.segment == 1 { 0 } else { self.view.bounds(partition).earliest };
        let first = at(before, partition).max(floor);
        if first < offset
            && self.view.has(partition)
            && let Some(finding) = self.findings.get_mut(unheard)
        {
            finding.lost.push(PartitionRange { partition, first, next: offset });
        }
    }

    /// All partitions go on at these offsets.
    fn all_begin_at(&mut self, next: &[(PartitionId, Offset)], before: &Ends) {
        for (partition, offset) in next {
            self.begins_at(*partition, *offset, before);
        }
        self.heard.clear();
        self.all_heard = self.findings.len();
    }

    /// What a whole block tells of those before it.
    fn hear(&mut self, body: &Body, before: &Ends) {
        match body {
            Body::Batch(batch) => {
                for part in &batch.parts {
                    self.begins_at(part.partition, part.base, before);
                }
            }
            Body::State(state) => self.all_begin_at(&state.next, before),
            Body::Hole(ends) => {
                for (partition, next) in ends.iter().flatten() {
                    self.begins_at(*partition, *next, before);
                }
            }
        }
    }

    /// Ends a sealed segment, of which is known where it ended.
    fn end_at(&mut self, next: &Ends) {
        let before = self.replay.standing.next.clone();
        let next: Vec<_> = next.iter().map(|(partition, offset)| (*partition, *offset)).collect();
        self.all_begin_at(&next, &before);
    }

    /// Ends the last segment: says of findings that hide what was there whose records may have been among it.
    fn leave_untold(&mut self) {
        for (number, finding) in self.findings.iter_mut().enumerate() {
            // The head of a file and blocks whose header can be read tell themselves.
            if finding.position == 0 || finding.ends.is_some() {
                continue;
            }
            let heard = |partition: &PartitionId| self.heard.get(partition).copied().unwrap_or(self.all_heard);
            finding.untold = all_partitions(self.view).filter(|partition| heard(partition) <= number).collect();
        }
    }

    fn count(&mut self, batch: &Batch) {
        for part in &batch.parts {
            let (records, bytes) = self.counts.entry(part.partition).or_default();
            *records += u64::from(part.shape.count);
            *bytes += part.shape.bytes();
        }
    }
}

impl Visitor for Verifier<'_> {
    fn block(&mut self, header: &BlockHeader, payload: &[u8]) -> Result<(), &'static str> {
        let wanted = matches!(header.body, Body::Hole(_)) || self.all_heard < self.findings.len();
        let before = wanted.then(|| self.replay.standing.next.clone());
        self.replay.block(header, payload)?;
        match &header.body {
            Body::Batch(batch) => self.count(batch),
            Body::State(_) => {}
            Body::Hole(ends) => {
                self.note(header.place.position, header.end(), "given up by quarantine earlier");
                if let Some(hole) = self.findings.last_mut() {
                    (hole.quarantined, hole.ends) = (true, ends.clone());
                }
            }
        }
        if let Some(before) = before {
            self.hear(&header.body, &before);
        }
        Ok(())
    }

    fn damage(&mut self, damage: &Damage) {
        self.note(damage.position, damage.end, damage.reason);
        let before = self.replay.standing.next.clone();
        let ends = damage.ends();
        self.replay.hole(ends.as_deref(), damage.position, damage.end);
        for (partition, next) in ends.iter().flatten() {
            self.begins_at(*partition, *next, &before);
        }
        if let Some(finding) = self.findings.last_mut() {
            finding.ends = ends;
        }
    }
}
