//! Reads of one relation by `where`, `order` and `limit`.

use std::sync::Arc;

use highwater_api::{ApiError, ViewAnswer, ViewRequest};
use highwater_sql::ViewRead;

use super::execute::run_text;
use super::point::read_by_key;
use super::relations::unbound_relations;
use crate::core::Core;
use crate::names::resolve;

/// Reads one view, table or stream; see [`highwater_api::Engine::read_view`].
pub(crate) async fn read_view(core: &Arc<Core>, request: ViewRequest) -> Result<ViewAnswer, ApiError> {
    let plan = {
        let catalog = core.catalog.read();
        let entry = resolve(&catalog, &request.view)?;
        if let Some(answer) = read_by_key(core, entry, &catalog, &request) {
            return Ok(ViewAnswer { answer });
        }
        let read = ViewRead {
            filter: request.filter.as_deref(),
            order: request.order.as_deref(),
            limit: request.limit,
            offset: request.offset,
        };
        core.planner.plan_view_read(entry, read, &catalog, &unbound_relations(core))?
    };
    let text = request.filter.as_deref().or(request.order.as_deref()).unwrap_or_default();
    let answer = run_text(core, plan, text, &request.limits).await?;
    Ok(ViewAnswer { answer })
}
