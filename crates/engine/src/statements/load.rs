//! Loading a table from a file when it is created.

use std::path::{Component, Path};
use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_decode::{BodyFormat, Decoder};
use highwater_model::{Records, StreamSchema};
use highwater_sql::TableLoad;

use super::write::append_visible;
use crate::core::{Core, StreamRuntime};

/// Rows listed when a file has bad ones.
const LISTED: usize = 5;

/// Reads a table's file and checks every row of it.
pub(super) fn read(core: &Core, load: &TableLoad, schema: &StreamSchema, app: &str) -> Result<Records, ApiError> {
    let relative = Path::new(&load.path);
    if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
        return Err(ApiError::new(
            ErrorKind::InvalidInput,
            format!("the path {:?} leaves the app's folder", load.path),
        )
        .with_hint("write a path below the folder of app.sql, without .. and without a leading /"));
    }
    let folder = core.folders.read().get(app).cloned();
    let path = folder.unwrap_or_default().join(relative);
    let bytes = std::fs::read(&path).map_err(|error| {
        ApiError::new(ErrorKind::InvalidInput, format!("the file {} cannot be read: {error}", path.display()))
    })?;
    let bytes = if path.extension().is_some_and(|extension| extension == "gz") {
        highwater_decode::gunzip(&bytes, 1 << 30).map_err(|error| unreadable(&path, &error.to_string()))?
    } else {
        bytes.into()
    };
    let decoder = Decoder::new(schema).map_err(|error| unreadable(&path, &error.to_string()))?;
    let format = if load.header && load.delimiter == b',' { BodyFormat::Csv } else { BodyFormat::Text };
    let decoded = decoder.decode_body(format, &bytes).map_err(|error| unreadable(&path, &error.to_string()))?;
    if !decoded.rejects.is_empty() {
        let mut listed: Vec<String> = decoded
            .rejects
            .iter()
            .take(LISTED)
            .map(|reject| format!("line {}: {}", reject.line, reject.reason))
            .collect();
        if decoded.rejects.len() > LISTED {
            listed.push(format!("and {} more", decoded.rejects.len() - LISTED));
        }
        return Err(unreadable(&path, &listed.join("; ")).with_hint("mend the file; nothing was created"));
    }
    Ok(decoded.records())
}

fn unreadable(path: &Path, why: &str) -> ApiError {
    ApiError::new(ErrorKind::InvalidInput, format!("{} cannot be loaded: {why}", path.display()))
}

/// Stores the rows read; says how many.
pub(super) async fn store(core: &Arc<Core>, table: &Arc<StreamRuntime>, rows: Records) -> Result<u64, ApiError> {
    let count = rows.len() as u64;
    append_visible(core, table, rows).await?;
    Ok(count)
}
