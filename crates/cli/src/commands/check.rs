//! `highwater check`: is an app sound? Its SQL is run in an empty engine that is thrown away, the query of every panel
//! and choice after it, and everything wrong is told at once, with its place in the files.

use futures::TryStreamExt;
use highwater_api::{ApiError, Engine, SqlAnswer, SqlLimits, SqlRequest, ViewRequest};
use highwater_dashboards::{AppPages, Dashboard, Library, Panel, Source, Values};
use highwater_model::{Diagnostic, Diagnostics};

use crate::apps::{App, all_apps, find_app, load_app};
use crate::arguments::Check;
use crate::failure::Failure;
use crate::serve::open_scratch;
use crate::settings::Settings;

pub(super) async fn run(arguments: &Check, settings: &Settings) -> Result<(), Failure> {
    let apps = match arguments.names.as_slice() {
        [] => all_apps(&settings.apps)?,
        names => names.iter().map(|name| find_app(name, &settings.apps)).collect::<Result<Vec<_>, _>>()?,
    };
    let folder = tempfile::tempdir().map_err(|source| Failure::io("cannot make a folder to check in", source))?;
    let engine = open_scratch(folder.path()).await?;
    let mut found = Vec::new();
    for app in &apps {
        if let Some(folder) = &app.folder {
            engine.set_app_folder(app.name.clone(), folder);
        }
        let (findings, pages) = check_app(&engine, app).await?;
        let verdict = if findings.is_empty() { "sound".to_owned() } else { format!("{} findings", findings.len()) };
        println!("{}: app.sql, {pages} dashboards: {verdict}", app.name);
        found.extend(findings);
    }
    engine.close().await;
    if found.is_empty() { Ok(()) } else { Err(Failure::Diagnosed(Diagnostics(found))) }
}

/// What is wrong with an app, and how many dashboards it has.
async fn check_app(engine: &dyn Engine, app: &App) -> Result<(Vec<Diagnostic>, usize), ApiError> {
    let mut found = Vec::new();
    match load_app(engine, app).await {
        Ok(_) => {}
        Err(error) if error.diagnostics.0.is_empty() => return Err(error),
        Err(error) => found.extend(error.diagnostics.0),
    }
    let library = Library::default();
    library.add(AppPages { name: app.name.clone(), title: String::new(), source: app.pages.clone() });
    let pages = library.pages(&app.name).unwrap_or_default();
    // Without its relations every panel would be wrong for the same reason.
    let is_loaded = found.is_empty();
    for page in pages.iter() {
        match &page.outcome {
            Err(broken) => found.extend(broken.0.iter().cloned()),
            Ok(page) if is_loaded => found.extend(check_page(engine, &app.name, page).await),
            Ok(_) => {}
        }
    }
    Ok((found, pages.len()))
}

/// Runs every query of a page with the defaults of its parameters.
pub(super) async fn check_page(engine: &dyn Engine, app: &str, page: &Dashboard) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for panel in &page.panels {
        match columns_of(engine, app, page, panel).await {
            Ok(Some(columns)) => found.extend(page.missing_columns(panel, &columns)),
            Ok(None) => {}
            Err(findings) => found.extend(findings),
        }
    }
    for parameter in &page.parameters {
        let Ok(Some(rendered)) = page.choices_sql(parameter, &Values::new()) else { continue };
        if let Err(error) = ask(engine, app, rendered.sql).await {
            let message = format!("the choices of \"{}\" cannot be asked: {}", parameter.name, error.message);
            found.push(Diagnostic { hint: error.hint, ..Diagnostic::general(message).in_file(page.file.clone()) });
        }
    }
    found
}

/// The columns of a panel's rows; `None` when it has none.
async fn columns_of(
    engine: &dyn Engine,
    app: &str,
    page: &Dashboard,
    panel: &Panel,
) -> Result<Option<Vec<String>>, Vec<Diagnostic>> {
    let wrong = |message: String| vec![page.panel_error(panel, &message)];
    match &panel.source {
        Source::Text { .. } => Ok(None),
        Source::Sql { .. } => {
            let rendered = page.panel_sql(panel, &Values::new()).map_err(wrong)?;
            let Some(rendered) = rendered else { return Ok(None) };
            let asked = ask(engine, app, rendered.sql.clone()).await;
            asked.map(Some).map_err(|error| match error.diagnostics.0.as_slice() {
                [] => wrong(error.message),
                findings => findings.iter().map(|finding| page.locate(panel, &rendered, finding)).collect(),
            })
        }
        Source::View { view, filter } => {
            let filter =
                filter.as_ref().map(|filter| page.render(filter, &Values::new())).transpose().map_err(wrong)?;
            let view = if view.contains('.') { view.clone() } else { format!("{app}.{view}") };
            let request =
                ViewRequest { view, filter: filter.map(|filter| filter.sql), limit: Some(1), ..ViewRequest::default() };
            let read = engine.read_view(request).await.map_err(|error| wrong(error.message))?;
            Ok(Some(read.answer.schema.fields().iter().map(|field| field.name().clone()).collect()))
        }
    }
}

/// Runs a query; gives the names of its columns.
async fn ask(engine: &dyn Engine, app: &str, sql: String) -> Result<Vec<String>, ApiError> {
    let request = SqlRequest { sql, schema: Some(app.to_owned()), limits: SqlLimits::default(), read_only: true };
    let SqlAnswer::Rows(mut answer) = engine.sql(request).await? else {
        return Err(ApiError::new(highwater_api::ErrorKind::InvalidInput, "the statement gives no rows"));
    };
    while answer.rows.try_next().await?.is_some() {}
    Ok(answer.schema.fields().iter().map(|field| field.name().clone()).collect())
}
