//! `SET GLOBAL`: settings that can be changed while the engine runs. They hold until the next start.

use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_sql::SetVariable;

use super::run::Done;
use crate::core::Core;
use crate::jobs;
use crate::memory::{MemoryLimit, size_text};

/// The only one.
const MEMORY_LIMIT: &str = "memory_limit";

pub(super) async fn set(core: &Arc<Core>, set: &SetVariable) -> Result<Done, ApiError> {
    let is_memory_limit = set.name.eq_ignore_ascii_case(MEMORY_LIMIT);
    match (set.global, is_memory_limit) {
        (true, true) => {}
        (true, false) => {
            let message = format!("there is no setting \"{}\" that can be changed while the server runs", set.name);
            return Err(ApiError::new(ErrorKind::NotFound, message).with_hint("there is memory_limit"));
        }
        (false, true) => {
            let message = "memory_limit is a setting of the whole server, not of a session";
            let hint = format!("write SET GLOBAL memory_limit = '{}'", set.value);
            return Err(ApiError::new(ErrorKind::InvalidInput, message).with_hint(hint));
        }
        (false, false) => return Ok(Done::nothing("settings of a session are fixed for now: nothing was changed")),
    }
    let limit: MemoryLimit = set.value.parse().map_err(|why: String| {
        ApiError::new(ErrorKind::InvalidInput, format!("'{}' is no memory limit: {why}", set.value))
            .with_hint("write a size such as '8 GB', a share of the machine such as '70%', or 'none'")
    })?;
    core.memory.set_limit(limit);
    tracing::info!(limit = limit.to_string(), "the memory limit was set");
    jobs::try_again(core).await?;
    let mut notices = vec![format!(
        "memory_limit is {limit} until the next start: for later ones set it with --memory-limit or in highwater.toml"
    )];
    if core.memory.is_full() {
        let held = size_text(core.memory.total());
        notices.push(format!("{held} are held already: new events and views are refused"));
    }
    Ok(Done { rows: 0, notices })
}
