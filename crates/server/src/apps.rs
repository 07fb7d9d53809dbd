//! `GET /v1/apps`, `GET /v1/apps/{app}/dashboards/{dashboard}`, `POST /v1/dashboards/check`: what pages there are, one
//! of them as data, and whether a text would be one.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use highwater_api::{ApiError, ErrorKind};
use highwater_dashboards::{Dashboard, DashboardFile, read_dashboard};
use highwater_model::Diagnostics;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::body;
use crate::problem::{Finding, Problem};
use crate::query::PageName;

/// The apps being served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Apps)]
pub(crate) struct AppsDocument {
    /// Changes when any page changes.
    revision: String,
    /// In the order they were loaded.
    apps: Vec<AppDocument>,
}

/// An app.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = App)]
pub(crate) struct AppDocument {
    /// Its name, which is the schema of its SQL.
    #[schema(example = "rankmysteps")]
    name: String,
    /// One line for people.
    title: String,
    /// Its pages in menu order.
    dashboards: Vec<PageDocument>,
}

/// A page in a menu.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Page)]
pub(crate) struct PageDocument {
    /// Its name.
    name: String,
    /// Its title; for a broken file, its name.
    title: String,
    /// One sentence.
    description: String,
    /// The sign in the menu.
    icon: String,
    /// Whether the file cannot be read; the page says why.
    broken: bool,
}

/// A dashboard, or what is wrong with its file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DashboardFile)]
pub(crate) struct DashboardDocument {
    /// The dashboard as docs/dashboards.md describes it; null when its file is wrong.
    #[schema(value_type = Option<Object>)]
    dashboard: Option<Value>,
    /// What is wrong with the file.
    findings: Vec<Finding>,
    /// The file's text; null when it was sent.
    text: Option<String>,
}

/// Lists the apps being served and their pages.
#[utoipa::path(get, path = "/v1/apps", operation_id = "apps", tag = "pages",
    responses((status = 200, description = "The apps.", body = AppsDocument)))]
pub(crate) async fn apps(State(app): State<App>) -> Json<AppsDocument> {
    let library = &app.library;
    let pages = |name: &str| library.pages(name).map(|pages| pages.iter().map(page).collect()).unwrap_or_default();
    let apps = library.apps().into_iter();
    let apps = apps.map(|one| AppDocument { dashboards: pages(&one.name), name: one.name, title: one.title }).collect();
    Json(AppsDocument { revision: library.revision(), apps })
}

fn page(file: &DashboardFile) -> PageDocument {
    let name = file.name.clone();
    match &file.outcome {
        Ok(page) => PageDocument {
            name,
            title: page.title.clone(),
            description: page.description.clone(),
            icon: page.icon.clone(),
            broken: false,
        },
        Err(_) => {
            let description = "This file has mistakes; the page lists them.".to_owned();
            PageDocument { title: name.clone(), name, description, icon: "flag".to_owned(), broken: true }
        }
    }
}

/// Gives one dashboard: its parameters and panels, or everything that is wrong with its file.
#[utoipa::path(get, path = "/v1/apps/{app}/dashboards/{dashboard}", operation_id = "dashboard", tag = "pages",
    params(
        ("app" = String, Path, description = "The app.", example = "rankmysteps"),
        ("dashboard" = String, Path, description = "The dashboard: its file's name without `.toml`.", example = "overview"),
    ),
    responses((status = 200, description = "The dashboard.", body = DashboardDocument)))]
pub(crate) async fn dashboard(
    State(app): State<App>,
    PageName { app: name, dashboard }: PageName,
) -> Result<Json<DashboardDocument>, Problem> {
    let file = find(&app, &name, &dashboard)?;
    let outcome = file.outcome.as_deref().map_err(Clone::clone);
    Ok(Json(document(outcome, Some(file.text.to_string()))?))
}

/// Checks the text of a dashboard without keeping it.
///
/// Says everything that is wrong with it. Its SQL is not run: the live connection does that with `preview`.
#[utoipa::path(post, path = "/v1/dashboards/check", operation_id = "checkDashboard", tag = "pages",
    request_body(description = "The file's text.", content((String = "text/plain", example = "title = \"Page\"\n"))),
    responses((status = 200, description = "The dashboard, or what is wrong.", body = DashboardDocument)))]
pub(crate) async fn check(
    State(app): State<App>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<DashboardDocument>, Problem> {
    let (settings, account) = (&app.settings, app.intake.account());
    let received = body::receive(&headers, body, account, settings.max_sql_bytes, settings.request_timeout).await?;
    let text = std::str::from_utf8(&received.bytes)
        .map_err(|error| Problem::invalid(format!("the text is not UTF-8: {error}")).with_hint("send UTF-8"))?;
    let read = read_dashboard("draft", "draft.toml", text);
    Ok(Json(document(read.as_ref().map_err(Clone::clone), None)?))
}

fn document(outcome: Result<&Dashboard, Diagnostics>, text: Option<String>) -> Result<DashboardDocument, Problem> {
    Ok(match outcome {
        Ok(page) => DashboardDocument { dashboard: Some(as_json(page)?), findings: Vec::new(), text },
        Err(Diagnostics(found)) => {
            DashboardDocument { dashboard: None, findings: found.into_iter().map(Finding::from).collect(), text }
        }
    })
}

fn as_json(page: &Dashboard) -> Result<Value, Problem> {
    serde_json::to_value(page)
        .map_err(|error| ApiError::internal(format!("a page could not be written: {error}")).into())
}

/// The file of a page.
pub(crate) fn find(app: &App, name: &str, dashboard: &str) -> Result<DashboardFile, ApiError> {
    let missing = |what: String, hint: String| ApiError::new(ErrorKind::NotFound, what).with_hint(hint);
    let Some(pages) = app.library.pages(name) else {
        return Err(missing(format!("no app \"{name}\" is served"), "GET /v1/apps lists those that are".to_owned()));
    };
    let names: Vec<&str> = pages.iter().map(|page| page.name.as_str()).collect();
    let found = pages.iter().find(|page| page.name == dashboard).cloned();
    found.ok_or_else(|| {
        missing(format!("{name} has no dashboard \"{dashboard}\""), format!("it has {}", names.join(", ")))
    })
}
