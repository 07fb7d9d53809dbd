//! What is said of memory: who holds the most, that there is no room, and what to do.

use std::time::Duration;

use highwater_api::{ApiError, ErrorKind, MemoryHolder, MemoryStatus};
use highwater_sql::Catalog;

use super::budget::Held;
use crate::core::Core;

/// Holders that a message names.
const NAMED: usize = 3;

/// The largest holders, the largest first, about a second old.
fn holders(core: &Core, catalog: &Catalog) -> Vec<MemoryHolder> {
    let mut all = Vec::new();
    for (id, figures) in core.tick.figures() {
        let Some(entry) = catalog.get(id) else { continue };
        all.extend(figures.operators.into_iter().map(|operator| MemoryHolder {
            relation: Some(entry.name.to_string()),
            operator: operator.operator,
            bytes: operator.bytes as u64,
        }));
    }
    let build = |(name, bytes): (highwater_model::ObjectName, u64)| MemoryHolder {
        relation: Some(name.to_string()),
        operator: "being built".to_owned(),
        bytes,
    };
    all.extend(core.memory.builds().into_iter().map(build));
    let Held { waiting, changes, checkpoint, .. } = core.memory.held();
    let own = [
        ("events waiting for the next tick", waiting),
        ("recent changes, for those who follow views", changes),
        ("the checkpoint being written", checkpoint),
    ];
    all.extend(own.map(|(what, bytes)| MemoryHolder { relation: None, operator: what.to_owned(), bytes }));
    all.retain(|holder| holder.bytes > 0);
    all.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.operator.cmp(&b.operator)));
    all.truncate(NAMED);
    all
}

/// The account as status shows it.
pub(crate) fn status(core: &Core, catalog: &Catalog) -> MemoryStatus {
    MemoryStatus {
        limit: core.memory.limit().bytes(),
        held: core.memory.total(),
        refused: core.memory.refused(),
        largest: holders(core, catalog),
    }
}

/// What to answer when there is no room for `what`: the limit, what is held, who holds the most, what to do. The caller
/// must not hold the catalog.
pub(crate) fn full(core: &Core, kind: ErrorKind, what: &str) -> ApiError {
    core.memory.count_refused();
    let (limit, held) = (core.memory.limit(), core.memory.total());
    let share = match core.memory.is_full() {
        true => "is reached".to_owned(),
        false => format!("is nearly reached ({} %)", percent(held, limit.bytes())),
    };
    let largest: Vec<String> = holders(core, &core.catalog.read()).iter().map(named).collect();
    let message = format!(
        "{what}: the memory limit of {limit} {share}; {} are held, most by {}",
        size_text(held),
        largest.join("; ")
    );
    let double = whole_size(limit.bytes().unwrap_or(0).max(held).saturating_mul(2));
    let hint = format!(
        "raise it with SET GLOBAL memory_limit = '{double}' (for later starts with --memory-limit or in highwater.toml), let views \
         forget with WITH (retain = '30 days'), or DROP what is not needed; nothing acknowledged is lost and queries go on"
    );
    let error = ApiError::new(kind, message).with_hint(hint);
    if kind == ErrorKind::Overloaded { error.with_retry_after(Duration::from_secs(5)) } else { error }
}

fn named(holder: &MemoryHolder) -> String {
    let MemoryHolder { relation, operator, bytes } = holder;
    match relation {
        Some(relation) => format!("{relation}, {operator} ({})", size_text(*bytes)),
        None => format!("{operator} ({})", size_text(*bytes)),
    }
}

fn percent(held: u64, limit: Option<u64>) -> u64 {
    limit.map_or(0, |limit| held.saturating_mul(100) / limit.max(1))
}

/// A size rounded up to whole units, as it is written in settings.
fn whole_size(bytes: u64) -> String {
    match bytes {
        10_000_000_000.. => format!("{} GB", bytes.div_ceil(1_000_000_000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000).max(1)),
    }
}

/// A size for people, such as `1.5 GB`.
pub(crate) fn size_text(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000 => return format!("{bytes} bytes"),
        1_000..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = (bytes / (unit / 10)).max(10);
    match tenths % 10 {
        0 => format!("{} {name}", tenths / 10),
        rest => format!("{}.{rest} {name}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_550, "1.5 kB"),
            (64_000_000, "64 MB"),
            (1_299_999_999, "1.2 GB"),
            (2_000_000_000_000, "2000 GB"),
        ] {
            assert_eq!(size_text(bytes), text);
        }
    }
}
