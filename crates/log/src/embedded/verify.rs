//! Reads every acknowledged byte of a stream and reports what is wrong. Called through `EmbeddedLog` for `doctor`, and
//! by `quarantine`. Changes nothing.

use std::path::PathBuf;

use highwater_model::{ObjectId, Offset, PartitionId, PartitionRange};

use super::block::{BlockHeader, Body};
use super::index::{Ends, Summary};
use super::layout;
use super::replay::{Replay, Standing};
use super::scan::{Damage, Visitor, scan};
use super::segment::{HEAD_BYTES, SegmentFile};
use super::stream::Stream;
use super::view::at;
use crate::LogError;

/// Something wrong with a stream's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stream.
    pub stream: ObjectId,
    /// The file.
    pub path: PathBuf,
    /// Where the broken bytes begin.
    pub position: u64,
    /// Where they end.
    pub end: u64,
    /// What was found.
    pub reason: String,
    /// The records lost, as far as what is left tells. Empty for bytes at the very end whose header is broken.
    pub lost: Vec<PartitionRange>,
    /// Whether [`EmbeddedLog::quarantine`](crate::EmbeddedLog::quarantine) can give them up.
    pub repairable: bool,
    /// Whether it already has: the hole is explicit and reads across it say so.
    pub quarantined: bool,
    /// Next offsets after the lost bytes, if they still tell.
    pub(crate) ends: Option<Vec<(PartitionId, Offset)>>,
}

/// Reads a stream up to where it is durable now.
pub(crate) fn verify(stream: &Stream) -> Result<Vec<Finding>, LogError> {
    let view = stream.view.read().clone();
    let mut findings = Vec::new();
    let mut before: Option<(u64, Standing)> = None;
    for sealed in &view.sealed {
        let segment = SegmentFile::open(&*stream.shared.storage, &stream.folder, stream.id, sealed.segment);
        let segment = match segment {
            Ok(segment) => segment,
            // Trimmed since we looked.
            Err(_) if stream.view.read().sealed.iter().all(|now| now.segment != sealed.segment) => continue,
            Err(error) => return Err(error),
        };
        verify_segment(stream, &segment, Some(&sealed.summary), &mut before, &mut findings)?;
    }
    verify_segment(stream, &view.active.file, None, &mut before, &mut findings)?;
    Ok(findings)
}

fn verify_segment(
    stream: &Stream,
    segment: &SegmentFile,
    sealed: Option<&Summary>,
    before: &mut Option<(u64, Standing)>,
    findings: &mut Vec<Finding>,
) -> Result<(), LogError> {
    let mut visitor = Verifier::begin(stream, segment, before.take());
    match segment.check_head() {
        Err(LogError::Damaged { reason, .. }) => visitor.note(0, HEAD_BYTES as u64, reason),
        other => other?,
    }
    let size = segment.size()?;
    let limit = match sealed {
        Some(sealed) => sealed.bytes,
        None => durable_bytes(stream, segment)?,
    };
    scan(segment, size.min(limit), limit, &mut visitor)?;
    if let Some(sealed) = sealed {
        visitor.close(&sealed.next);
    }
    let Verifier { replay, findings: found, .. } = visitor;
    findings.extend(found);
    *before = Some((segment.home.segment, replay.standing));
    Ok(())
}

/// How far the active segment was acknowledged. Of a damaged stream nothing was settled: all that is there counts.
fn durable_bytes(stream: &Stream, segment: &SegmentFile) -> Result<u64, LogError> {
    if stream.damage.is_none() {
        return Ok(stream.view.read().active.summary.bytes);
    }
    let sidecar = super::committed::CommittedFile::open(&*stream.shared.storage, &stream.folder)?;
    let committed = sidecar.map(|sidecar| sidecar.get()).transpose()?.flatten();
    let committed = committed.filter(|committed| committed.segment == segment.home.segment);
    Ok(committed.map_or(0, |committed| committed.position).max(segment.size()?))
}

struct Verifier<'a> {
    stream: &'a Stream,
    segment: &'a SegmentFile,
    replay: Replay,
    findings: Vec<Finding>,
    /// Findings from here on still wait for the next whole block to tell what was lost.
    open_from: usize,
    /// Next offsets before the open findings.
    ends: Ends,
}

impl<'a> Verifier<'a> {
    fn begin(stream: &'a Stream, segment: &'a SegmentFile, before: Option<(u64, Standing)>) -> Self {
        let max_producers = stream.shared.settings.max_producers;
        let mut findings = Vec::new();
        let replay = match before {
            Some((previous, standing)) => {
                for missing in previous + 1..segment.home.segment {
                    findings.push(Finding {
                        stream: stream.id,
                        path: layout::segment_file(&stream.folder, missing),
                        position: 0,
                        end: 0,
                        reason: "the segment is missing".to_owned(),
                        lost: Vec::new(),
                        repairable: false,
                        quarantined: false,
                        ends: None,
                    });
                }
                Replay::after(standing, max_producers)
            }
            None => Replay::new(max_producers),
        };
        let (ends, open_from) = (replay.standing.next.clone(), findings.len());
        Self { stream, segment, replay, findings, open_from, ends }
    }

    fn note(&mut self, position: u64, end: u64, reason: impl Into<String>) {
        if self.open_from == self.findings.len() {
            self.ends.clone_from(&self.replay.standing.next);
        }
        self.findings.push(Finding {
            stream: self.stream.id,
            path: self.segment.path.clone(),
            position,
            end,
            reason: reason.into(),
            lost: Vec::new(),
            repairable: true,
            quarantined: false,
            ends: None,
        });
    }

    /// The next whole block begins at these offsets: what lies between is lost.
    fn close(&mut self, next: &Ends) {
        let ends = &self.ends;
        let lost = next.iter().filter(|(partition, next)| at(ends, **partition) < **next);
        let lost: Vec<_> = lost
            .map(|(partition, next)| PartitionRange { partition: *partition, first: at(ends, *partition), next: *next })
            .collect();
        if let Some(first) = self.findings.get_mut(self.open_from) {
            first.lost = lost;
        }
        self.open_from = self.findings.len();
    }
}

impl Visitor for Verifier<'_> {
    fn block(&mut self, header: &BlockHeader, payload: &[u8]) -> Result<(), &'static str> {
        if matches!(header.body, Body::Hole(_)) {
            self.note(header.place.position, header.end(), "given up by quarantine earlier");
            if let Some(hole) = self.findings.last_mut() {
                hole.quarantined = true;
            }
        }
        self.replay.block(header, payload)?;
        let begins: Ends = match &header.body {
            Body::Batch(batch) => batch.parts.iter().rev().map(|part| (part.partition, part.base)).collect(),
            Body::State(state) => state.next.iter().copied().collect(),
            Body::Hole(_) => return Ok(()),
        };
        if self.open_from < self.findings.len() {
            self.close(&begins);
        }
        Ok(())
    }

    fn damage(&mut self, damage: &Damage) {
        self.note(damage.position, damage.end, damage.reason);
        let ends = damage.ends();
        self.replay.hole(ends.as_deref(), damage.position, damage.end);
        if let (Some(ends), Some(finding)) = (ends, self.findings.last_mut()) {
            finding.ends = Some(ends);
            let next = self.replay.standing.next.clone();
            self.close(&next);
        }
    }
}
