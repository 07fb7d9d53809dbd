//! The catalog's part of an inspection.

use std::path::Path;

use highwater_sql::Catalog;

use super::report::{FolderFinding, FolderPart, Inspection, Remedy};
use crate::catalog_file;
use crate::error::EngineError;

/// Reads the catalog; `None` when it is damaged.
pub(super) fn inspect(data: &Path, inspection: &mut Inspection) -> Option<Catalog> {
    match catalog_file::load(data) {
        Ok(catalog) => {
            inspection.declared = counts(&catalog);
            Some(catalog)
        }
        Err(error) => {
            let file = data.join(catalog_file::NAME);
            let what = match error {
                EngineError::Damaged { reason, .. } => reason,
                other => other.to_string(),
            };
            inspection.findings.push(FolderFinding {
                part: FolderPart::Catalog,
                advice: "no server starts on it and --repair leaves it alone: what was declared is never guessed"
                    .to_owned(),
                file,
                position: Some(0),
                what,
                lost: Vec::new(),
                in_doubt: Vec::new(),
                remedy: Remedy::None,
            });
            None
        }
    }
}

/// `2 streams`, `1 table`, in a fixed order.
fn counts(catalog: &Catalog) -> Vec<String> {
    ["stream", "table", "materialized view", "view", "ranked index"]
        .into_iter()
        .map(|noun| (noun, catalog.entries().filter(|entry| entry.kind.noun() == noun).count()))
        .filter(|(_, count)| *count > 0)
        .map(|(noun, count)| {
            format!(
                "{count} {noun}{}",
                if count == 1 {
                    ""
                } else if noun.ends_with('x') {
                    "es"
                } else {
                    "s"
                }
            )
        })
        .collect()
}
