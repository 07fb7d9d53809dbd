//! Loading an app into an engine: its SQL is run in a schema of its name. Loading it again changes nothing.

use highwater_api::{ApiError, Engine, SqlAnswer, SqlLimits, SqlRequest};
use highwater_model::Diagnostics;

use super::App;

/// Creates what an app declares and is not there yet. Gives the engine's notices.
///
/// # Errors
/// When the SQL is refused; findings name the app's file.
pub async fn load_app(engine: &dyn Engine, app: &App) -> Result<Vec<String>, ApiError> {
    let quoted = app.name.replace('"', "\"\"");
    run(engine, format!("CREATE SCHEMA IF NOT EXISTS \"{quoted}\""), None).await?;
    run(engine, app.sql.to_string(), Some(app.name.clone())).await.map_err(|mut error| {
        error.diagnostics = Diagnostics(
            std::mem::take(&mut error.diagnostics).0.into_iter().map(|d| d.in_file(&app.sql_file)).collect(),
        );
        if error.diagnostics.0.is_empty() {
            error.message = format!("{}: {}", app.sql_file, error.message);
        }
        error
    })
}

async fn run(engine: &dyn Engine, sql: String, schema: Option<String>) -> Result<Vec<String>, ApiError> {
    let request = SqlRequest { sql, schema, limits: SqlLimits::default(), read_only: false };
    match engine.sql(request).await? {
        SqlAnswer::Done { notices, .. } => Ok(notices),
        SqlAnswer::Rows(_) => Ok(Vec::new()),
    }
}
