//! `AUDIT`, `RECOMPUTE` and `CANCEL JOB`: jobs that a statement waits for. Whoever stops waiting gives the job up.

use std::sync::Arc;

use highwater_api::{Answer, ApiError, ErrorKind, JobKind, JobRequest, JobState, JobTarget, SqlLimits};
use highwater_sql::{CancelJob, RelationsOf, Relationwise};

use super::run::Done;
use crate::background;
use crate::core::Core;
use crate::query::audit_answer;

pub(super) async fn relationwise(
    core: &Arc<Core>,
    kind: JobKind,
    statement: &Relationwise,
    schema: &str,
    limits: &SqlLimits,
) -> Result<Answer, ApiError> {
    let target = match &statement.of {
        RelationsOf::All => JobTarget::All,
        RelationsOf::App(app) => JobTarget::App(app.clone()),
        RelationsOf::These(names) => JobTarget::Relations(names.iter().map(ToString::to_string).collect()),
    };
    let request = JobRequest { kind, target, schema: Some(schema.to_owned()) };
    let job = background::start(core, &request)?;
    let stop = core.tasks.stop(job.id)?;
    let waited = tokio::time::timeout(limits.timeout, background::await_job(core, job.id)).await;
    drop(stop);
    let job = waited.map_err(|_| {
        let message = format!("the {} took longer than {:?} and was given up", kind.name(), limits.timeout);
        let hint = format!("use `highwater {}`, which takes its time, or raise the timeout", kind.name());
        ApiError::new(ErrorKind::Timeout, message).with_hint(hint)
    })??;
    if job.state == JobState::Cancelled {
        return Err(ApiError::new(ErrorKind::Conflict, format!("job {} was given up", job.id))
            .with_hint(format!("run {} again", kind.name().to_uppercase())));
    }
    audit_answer(core, &job.results)
}

pub(super) async fn cancel(core: &Arc<Core>, statement: &CancelJob) -> Result<Done, ApiError> {
    let job = background::cancel(core, statement.job).await?;
    Ok(match job.state {
        JobState::Cancelled => Done::rows(0),
        _ => Done::nothing(format!("job {} was over already", job.id)),
    })
}
