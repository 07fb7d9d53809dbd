//! `CREATE INDEX … RANKED`.

use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind};
use highwater_sql::CreateIndex;

use super::ddl::commit;
use super::run::Done;
use crate::core::Core;
use crate::error::catalog_error;
use crate::indexes;
use crate::memory;

pub(super) async fn create_index(
    core: &Arc<Core>,
    create: &CreateIndex,
    text: &str,
    schema: &str,
) -> Result<Done, ApiError> {
    let _guard = core.ddl.lock().await;
    let mut catalog = core.catalog.read().clone();
    let planned = core.planner.plan_index(create, text, &catalog, schema)?;
    if create.if_not_exists && catalog.by_name(&planned.name).is_some() {
        return Ok(Done::nothing(format!("{} exists", planned.name)));
    }
    if core.memory.is_full() {
        return Err(memory::full(core, ErrorKind::TooLarge, &format!("{} cannot be built", planned.name)));
    }
    let before = catalog.clone();
    let id = catalog
        .create(planned.name, create.sql.clone(), planned.kind, vec![planned.relation])
        .map_err(|error| catalog_error(&error))?;
    commit(core, catalog)?;
    if let Err(error) = indexes::build(core, id).await {
        core.jobs.forget(id);
        commit(core, before)?;
        return Err(error.into());
    }
    Ok(Done::rows(0))
}
