//! Running the statements of a request in order.

use std::sync::Arc;

use highwater_api::{ApiError, ErrorKind, JobKind, SqlAnswer, SqlRequest};
use highwater_sql::{PUBLIC_SCHEMA, Statement, parse};

use super::{alter, ddl, drop, indexes, jobs, replay, set, views, write};
use crate::core::Core;
use crate::query;

/// What a command did.
pub(super) struct Done {
    pub(super) rows: u64,
    pub(super) notices: Vec<String>,
}

impl Done {
    pub(super) fn nothing(notice: impl Into<String>) -> Self {
        Self { rows: 0, notices: vec![notice.into()] }
    }

    pub(super) fn rows(rows: u64) -> Self {
        Self { rows, notices: Vec::new() }
    }
}

/// Runs all statements; the last one's answer is given. See [`highwater_api::Engine::sql`].
pub(crate) async fn run(core: &Arc<Core>, request: SqlRequest) -> Result<SqlAnswer, ApiError> {
    let statements = parse(&request.sql)?;
    if let Some(statement) = statements.iter().find(|statement| request.read_only && !statement.is_read_only()) {
        let message = format!("{} changes something, and this request may only read", statement.tag());
        return Err(ApiError::new(ErrorKind::InvalidInput, message));
    }
    let schema = request.schema.clone().unwrap_or_else(|| PUBLIC_SCHEMA.to_owned());
    let mut answer = None;
    for statement in &statements {
        answer = Some(one(core, statement, &request, &schema).await?);
    }
    answer.ok_or_else(|| {
        ApiError::new(ErrorKind::InvalidInput, "there is no statement").with_hint("write one, such as SHOW VIEWS")
    })
}

async fn one(
    core: &Arc<Core>,
    statement: &Statement,
    request: &SqlRequest,
    schema: &str,
) -> Result<SqlAnswer, ApiError> {
    let (text, limits) = (request.sql.as_str(), &request.limits);
    let done = match statement {
        Statement::Query(query) => {
            return query::run_query(core, query, text, schema, limits).await.map(SqlAnswer::Rows);
        }
        Statement::Explain(explain) => {
            return query::explain(core, explain, text, schema, limits).await.map(SqlAnswer::Rows);
        }
        Statement::Audit(audit) => {
            return jobs::relationwise(core, JobKind::Audit, audit, schema, limits).await.map(SqlAnswer::Rows);
        }
        Statement::Recompute(recompute) => {
            return jobs::relationwise(core, JobKind::Recompute, recompute, schema, limits).await.map(SqlAnswer::Rows);
        }
        Statement::CancelJob(cancel) => jobs::cancel(core, cancel).await?,
        Statement::Show(show) => return query::show(core, show, schema).map(SqlAnswer::Rows),
        Statement::Set(variable) => set::set(core, variable).await?,
        Statement::CreateSchema(create) => ddl::create_schema(core, create).await?,
        Statement::CreateStream(create) => ddl::create_stream(core, create, schema).await?,
        Statement::AlterStream(statement) => alter::alter_stream(core, statement, text, schema).await?,
        Statement::CreateTable(create) => ddl::create_table(core, create, schema).await?,
        Statement::CreateView(create) => views::create_view(core, create, text, schema).await?,
        Statement::CreateMaterializedView(create) => {
            views::create_materialized_view(core, create, text, schema).await?
        }
        Statement::CancelBuild(cancel) => views::cancel_build(core, cancel, schema).await?,
        Statement::CreateIndex(create) => indexes::create_index(core, create, text, schema).await?,
        Statement::ReplayRejects(statement) => {
            replay::done(&replay::replay_rejects(core, statement, text, schema, limits).await?)
        }
        Statement::Drop(statement) => drop::drop_objects(core, statement, schema).await?,
        Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
            write::write(core, statement, text, schema, limits).await?
        }
    };
    let tag = match statement {
        Statement::Insert(_) => format!("INSERT 0 {}", done.rows),
        Statement::Update(_) | Statement::Delete(_) | Statement::ReplayRejects(_) => {
            format!("{} {}", statement.tag(), done.rows)
        }
        other => other.tag().to_owned(),
    };
    Ok(SqlAnswer::Done { tag, rows: done.rows, notices: done.notices })
}
