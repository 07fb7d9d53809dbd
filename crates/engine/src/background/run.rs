//! Running a job: a thread of its own with a runtime of its own, whose threads all give way.

use std::sync::Arc;

use highwater_api::{ApiError, AuditOutcome, AuditResult, ErrorKind, JobKind, JobRequest, JobState, JobStatus};
use highwater_model::ObjectId;
use tokio_util::sync::CancellationToken;

use super::recompute::recompute;
use super::relations::relations;
use crate::audit::{Audited, Pinned, audit, pin};
use crate::core::Core;
use crate::error::EngineError;
use crate::priority;
use crate::query::Evaluation;

/// Begins a job.
///
/// # Errors
/// When it names what is not there, or nothing.
pub(crate) fn start(core: &Arc<Core>, request: &JobRequest) -> Result<JobStatus, ApiError> {
    let ids = relations(&core.catalog.read(), request)?;
    if ids.is_empty() {
        let message = format!("there is nothing to {}", request.kind.name());
        return Err(ApiError::new(ErrorKind::NotFound, message).with_hint("create a materialized view first"));
    }
    start_with(core, request.kind, ids)
}

/// Begins a job about these relations.
///
/// # Errors
/// When there is no thread for it.
pub(super) fn start_with(core: &Arc<Core>, kind: JobKind, ids: Vec<ObjectId>) -> Result<JobStatus, ApiError> {
    let (status, stop) = core.tasks.add(kind, ids.len(), core.clock.now_micros());
    let (owner, id) = (Arc::clone(core), status.id);
    if kind == JobKind::Recompute {
        core.unfinished.begin(&ids);
    }
    let thread = std::thread::Builder::new().name(kind.name().to_owned()).spawn(move || {
        priority::give_way();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(owner.settings.threads.div_ceil(2).max(1))
            .thread_name(kind.name())
            .on_thread_start(priority::give_way)
            .enable_all()
            .build();
        let state = match runtime {
            Ok(runtime) => runtime.block_on(all(&owner, id, kind, &ids, &stop)),
            Err(error) => {
                tracing::error!(%error, "a job could not be started");
                JobState::Cancelled
            }
        };
        owner.tasks.over(id, state, owner.clock.now_micros());
    });
    match thread {
        Ok(thread) => core.tasks.runs_on(thread),
        Err(source) => {
            core.tasks.over(id, JobState::Cancelled, core.clock.now_micros());
            return Err(EngineError::Io { context: "starting the thread of a job".to_owned(), source }.into());
        }
    }
    Ok(status)
}

/// Waits until a job is over.
pub(crate) async fn await_job(core: &Core, id: u64) -> Result<JobStatus, ApiError> {
    let mut over = core.tasks.watch(id)?;
    // The sender goes when the job is no longer listed, which is long after it was over.
    drop(over.wait_for(|over| *over).await);
    core.tasks.get(id)
}

/// Gives a job up.
pub(crate) async fn cancel(core: &Core, id: u64) -> Result<JobStatus, ApiError> {
    drop(core.tasks.stop(id)?);
    await_job(core, id).await
}

/// Does the work of a job; says how it ended.
async fn all(core: &Arc<Core>, job: u64, kind: JobKind, ids: &[ObjectId], stop: &CancellationToken) -> JobState {
    let work = async {
        let _turn = core.tasks.turn().await;
        for id in ids {
            let result = one(core, job, kind, *id).await;
            tell(&result);
            core.tasks.done(job, core.record.add(result));
            if kind == JobKind::Recompute {
                core.unfinished.end(&[*id]);
            }
        }
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {
            let done = core.tasks.get(job).map_or(0, |status| status.results.len());
            // A job that ends because the server does is gone on with after the next start.
            if kind == JobKind::Recompute && !core.tasks.closing().is_cancelled() {
                core.unfinished.end(&ids[done..]);
            }
            JobState::Cancelled
        }
        () = work => JobState::Done,
    }
}

/// One relation.
async fn one(core: &Arc<Core>, job: u64, kind: JobKind, id: ObjectId) -> AuditResult {
    let name = core.catalog.read().get(id).map_or_else(|| format!("object {id}"), |entry| entry.name.to_string());
    core.tasks.at(job, name.clone(), Arc::default());
    let mut result = nothing_yet(job, kind, name, core.clock.now_micros());
    let outcome = match kind {
        JobKind::Audit => audited(core, id, &mut result).await,
        JobKind::Recompute => recompute(core, id, &mut result).await,
    };
    if let Err(error) = outcome {
        result.error = Some(error.to_string());
    }
    result.finished_micros = core.clock.now_micros();
    result
}

fn nothing_yet(job: u64, kind: JobKind, relation: String, now_micros: i64) -> AuditResult {
    AuditResult {
        id: 0,
        job,
        kind,
        relation,
        outcome: AuditOutcome::Failed,
        started_micros: now_micros,
        finished_micros: now_micros,
        mark: Vec::new(),
        clock_micros: 0,
        events: 0,
        rows: 0,
        recomputed_rows: 0,
        missing: 0,
        extra: 0,
        different: 0,
        differences: Vec::new(),
        error: None,
    }
}

async fn audited(core: &Arc<Core>, id: ObjectId, result: &mut AuditResult) -> Result<(), ApiError> {
    let pinned = held(core, id, result).await?;
    let audited = audit(core, &pinned, &evaluation(core)?, &mut |_| Ok(())).await?;
    found(result, &pinned, audited);
    Ok(())
}

/// Holds a relation still, and shows what the job is at.
pub(super) async fn held(core: &Arc<Core>, id: ObjectId, result: &mut AuditResult) -> Result<Pinned, ApiError> {
    let pinned = pin(core, id).await?;
    core.tasks.at(result.job, pinned.name.to_string(), Arc::clone(&pinned.cut.seen));
    result.mark = pinned.mark();
    result.clock_micros = pinned.cut.clock_micros.unwrap_or_default();
    Ok(pinned)
}

/// Writes down what was found.
pub(super) fn found(result: &mut AuditResult, pinned: &Pinned, audited: Audited) {
    result.outcome = if audited.findings.is_empty() { AuditOutcome::Equal } else { AuditOutcome::Different };
    result.events = pinned.cut.seen.all();
    result.rows = audited.rows;
    result.recomputed_rows = audited.recomputed_rows;
    result.missing = audited.findings.missing;
    result.extra = audited.findings.extra;
    result.different = audited.findings.different;
    result.differences = audited.findings.rows;
}

/// What computations over history may use.
pub(super) fn evaluation(core: &Core) -> Result<Evaluation, ApiError> {
    let spill = core.settings.data.join("spill");
    std::fs::create_dir_all(&spill)
        .map_err(|source| EngineError::Io { context: format!("making {}", spill.display()), source })?;
    Ok(Evaluation { memory_bytes: core.settings.batch_memory, spill, sort_joins: false })
}

/// Counts a result and says it in the log.
fn tell(result: &AuditResult) {
    let seconds = result.finished_micros.saturating_sub(result.started_micros) as f64 / 1e6;
    let differences = result.missing + result.extra + result.different;
    metrics::counter!("highwater_audit_runs_total", "outcome" => result.outcome.name()).increment(1);
    metrics::histogram!("highwater_audit_seconds").record(seconds);
    let (relation, kind, error) = (result.relation.clone(), result.kind.name(), result.error.as_deref());
    match result.outcome {
        AuditOutcome::Failed => {
            tracing::warn!(relation, kind, error, "what is served could not be compared with its history");
            return;
        }
        AuditOutcome::Equal => {
            tracing::info!(relation, kind, rows = result.rows, events = result.events, seconds, "equal to its history");
        }
        AuditOutcome::Different => {
            let AuditResult { missing, extra, different, .. } = result;
            tracing::error!(
                relation,
                kind,
                missing,
                extra,
                different,
                error,
                "what is served is not what its history gives"
            );
        }
    }
    let at = result.finished_micros as f64 / 1e6;
    metrics::gauge!("highwater_audit_differing_rows", "relation" => result.relation.clone()).set(differences as f64);
    metrics::gauge!("highwater_audit_last_time_seconds", "relation" => result.relation.clone()).set(at);
}
