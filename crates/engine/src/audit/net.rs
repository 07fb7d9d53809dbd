//! Which rows differ, among those of the buckets that do: rows of one side are taken from those of the other, and what
//! is left is matched by key.

use std::collections::HashMap;

use highwater_api::{ApiError, AuditResult, Difference, DifferenceKind};

use super::codec::Codec;
use super::compare::{Side, bucket};

/// Rows looked at together when they are matched.
const TOGETHER: usize = 8_192;

/// What a comparison found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Rows that history gives and that are not served.
    pub(crate) missing: u64,
    /// Rows served that history does not give.
    pub(crate) extra: u64,
    /// Rows with the same key and other values.
    pub(crate) different: u64,
    /// The first of them, up to [`AuditResult::MAX_DIFFERENCES`].
    pub(crate) rows: Vec<Difference>,
}

impl Findings {
    /// Whether nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.missing + self.extra + self.different == 0
    }
}

/// The rows of some buckets: how much more often one side has them than the other.
pub(super) struct Net {
    wanted: Vec<bool>,
    rows: HashMap<Box<[u8]>, i64>,
}

/// Rows of one key, with how often.
#[derive(Default)]
struct Pair {
    live: Vec<(Box<[u8]>, u64)>,
    recomputed: Vec<(Box<[u8]>, u64)>,
}

impl Net {
    pub(super) fn new(wanted: Vec<bool>) -> Self {
        Self { wanted, rows: HashMap::new() }
    }

    /// Takes in rows of one side.
    pub(super) fn add(&mut self, codec: &Codec, rows: &arrow_array::RecordBatch, side: Side) -> Result<(), ApiError> {
        let encoded = codec.encode(rows)?;
        for row in (0..encoded.len()).filter(|row| self.wanted[bucket(&encoded, *row)]) {
            let count = self.rows.entry(encoded.rows.row(row).data().into()).or_default();
            *count += match side {
                Side::Live => 1,
                Side::Recomputed => -1,
            };
            if *count == 0 {
                self.rows.remove(encoded.rows.row(row).data());
            }
        }
        Ok(())
    }

    /// Counts what is left, and shows the first of it.
    pub(super) fn finish(self, codec: &Codec, findings: &mut Findings) -> Result<(), ApiError> {
        let mut left: Vec<(Box<[u8]>, i64)> = self.rows.into_iter().collect();
        left.sort_unstable();
        let mut pairs: Vec<(Box<[u8]>, Pair)> = Vec::new();
        let mut places: HashMap<Box<[u8]>, usize> = HashMap::new();
        for rows in left.chunks(TOGETHER) {
            let encoded = codec.encode(&codec.decode(rows.iter().map(|(row, _)| row.as_ref()))?)?;
            for (at, (row, count)) in rows.iter().enumerate() {
                let key: Box<[u8]> = encoded.key(at).into();
                let place = *places.entry(key.clone()).or_insert(pairs.len());
                if place == pairs.len() {
                    pairs.push((key, Pair::default()));
                }
                let pair = &mut pairs[place].1;
                let side = if *count > 0 { &mut pair.live } else { &mut pair.recomputed };
                side.push((row.clone(), count.unsigned_abs()));
            }
        }
        pairs.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        pairs.iter().try_for_each(|(_, pair)| findings.add(codec, pair))
    }
}

impl Findings {
    fn add(&mut self, codec: &Codec, pair: &Pair) -> Result<(), ApiError> {
        let count = |side: &[(Box<[u8]>, u64)]| side.iter().map(|(_, count)| count).sum::<u64>();
        let (live, recomputed) = (count(&pair.live), count(&pair.recomputed));
        let both = live.min(recomputed);
        self.different += both;
        self.extra += live - both;
        self.missing += recomputed - both;
        let each = |side: &[(Box<[u8]>, u64)]| -> Vec<Box<[u8]>> {
            let room = AuditResult::MAX_DIFFERENCES;
            let repeated =
                side.iter().flat_map(|(row, count)| std::iter::repeat_n(row.clone(), (*count as usize).min(room)));
            repeated.take(room).collect()
        };
        let (live, recomputed) = (each(&pair.live), each(&pair.recomputed));
        for at in 0..live.len().max(recomputed.len()) {
            if self.rows.len() >= AuditResult::MAX_DIFFERENCES {
                return Ok(());
            }
            self.rows.push(shown(codec, live.get(at).map(AsRef::as_ref), recomputed.get(at).map(AsRef::as_ref))?);
        }
        Ok(())
    }
}

fn shown(codec: &Codec, live: Option<&[u8]>, recomputed: Option<&[u8]>) -> Result<Difference, ApiError> {
    let kind = match (live, recomputed) {
        (Some(_), Some(_)) => DifferenceKind::Different,
        (Some(_), None) => DifferenceKind::Extra,
        _ => DifferenceKind::Missing,
    };
    let mut key = None;
    let mut text = |row: Option<&[u8]>| -> Result<_, ApiError> {
        let Some(row) = row else { return Ok(None) };
        let (row, its_key) = codec.text(&codec.decode(std::iter::once(row))?, 0)?;
        key = its_key;
        Ok(Some(row))
    };
    let (live, recomputed) = (text(live)?, text(recomputed)?);
    Ok(Difference { kind, key, live, recomputed })
}
