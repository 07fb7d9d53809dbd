//! `GET /v1/apps/{app}/dashboards/{dashboard}/page.html`: a dashboard as one file that needs no server, with the rows that
//! its panels have now. `highwater publish` writes such files; the page that draws them is `highwater_ui`'s.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use highwater_api::{ApiError, ErrorKind};
use highwater_dashboards::{Dashboard, Panel, Source, Values};
use serde_json::json;

use crate::app::App;
use crate::apps;
use crate::changes::failed;
use crate::live::{Asked, answered};
use crate::problem::Problem;
use crate::query::PageName;

/// Where the rows go in the page.
const ROWS: &str = "<script type=\"application/json\" id=\"published\"></script>";
/// Where the shapes of the world go.
const WORLD: &str = "<script type=\"application/json\" id=\"world\"></script>";

/// Gives a dashboard as a page of its own.
///
/// The HTML holds everything: rows as they are now, script, style, fonts, and the shapes of the world when there is a map.
/// It opens from a file, without a network. Query parameters are values for the dashboard's parameters.
#[utoipa::path(get, path = "/v1/apps/{app}/dashboards/{dashboard}/page.html", operation_id = "publishedPage", tag = "pages",
    params(
        ("app" = String, Path, description = "The app.", example = "rankmysteps"),
        ("dashboard" = String, Path, description = "The dashboard: its file's name without `.toml`.", example = "overview"),
    ),
    responses((status = 200, description = "The page.", body = String, content_type = "text/html")))]
pub(crate) async fn page(
    State(app): State<App>,
    PageName { app: name, dashboard }: PageName,
    Query(values): Query<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let page = apps::find(&app, &name, &dashboard)?.outcome.map_err(ApiError::from)?;
    page.render("", &values).map_err(|reason| Problem::invalid(reason).with_hint("the page lists its parameters"))?;
    let data = snapshot(&app, &name, &page, &values).await?;
    let mut html = text("published.html")?.replacen(ROWS, &script("published", &data), 1);
    if page.panels.iter().any(|panel| panel.kind == "map") {
        html = html.replacen(WORLD, &script("world", &text("world.json")?), 1);
    }
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (CACHE_CONTROL, "no-store".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}-{dashboard}.html\"")),
    ];
    Ok((headers, html).into_response())
}

/// A part of the built pages.
fn text(path: &str) -> Result<String, ApiError> {
    let found = highwater_ui::find(path, false).and_then(|asset| String::from_utf8(asset.bytes.into_owned()).ok());
    found.ok_or_else(|| {
        ApiError::new(ErrorKind::Unsupported, "this binary was built without its pages, so it can publish none")
            .with_hint("in the folder web run: npm ci && npm run build, then build it again")
    })
}

/// JSON within a page: nothing in it can end the element.
fn script(id: &str, json: &str) -> String {
    format!("<script type=\"application/json\" id=\"{id}\">{}</script>", json.replace('<', "\\u003c"))
}

/// The dashboard and what each of its panels shows, as JSON.
async fn snapshot(app: &App, name: &str, page: &Dashboard, values: &Values) -> Result<String, ApiError> {
    let json = |value: serde_json::Result<String>| value.map_err(|error| ApiError::internal(error.to_string()));
    let mut panels = Vec::new();
    for panel in &page.panels {
        let shown = match panel_sql(name, page, panel, values) {
            None => continue,
            Some(Ok(asked)) => answered(app.clone(), asked).await,
            Some(Err(reason)) => Err(ApiError::new(ErrorKind::InvalidInput, reason)),
        };
        let shown = match shown {
            Ok(answer) => format!("{{\"answer\":{answer}}}"),
            Err(error) => format!("{{\"problem\":{}}}", failed(error).data),
        };
        panels.push(format!("{}:{shown}", json(serde_json::to_string(&panel.id))?));
    }
    let page = json(serde_json::to_string(page))?;
    let rest = json!({"app": name, "values": values, "taken": taken(app).await?});
    let rest = json(serde_json::to_string(&rest))?;
    Ok(format!("{{\"dashboard\":{page},\"panels\":{{{}}},{}", panels.join(","), rest.trim_start_matches('{')))
}

/// What a panel asks; nothing for a text.
fn panel_sql(app: &str, page: &Dashboard, panel: &Panel, values: &Values) -> Option<Result<Asked, String>> {
    let sql = match &panel.source {
        Source::Sql { sql, .. } => page.render(sql, values).map(|rendered| rendered.sql),
        Source::View { view, filter: None } => Ok(format!("SELECT * FROM {view}")),
        Source::View { view, filter: Some(filter) } => {
            page.render(filter, values).map(|filter| format!("SELECT * FROM {view} WHERE {}", filter.sql))
        }
        Source::Text { .. } => return None,
    };
    let max_rows = match &panel.source {
        Source::View { .. } => usize::MAX,
        _ => panel.max_rows as usize,
    };
    Some(sql.map(|sql| Asked { sql, schema: Some(app.to_owned()), max_rows, every: Duration::ZERO }))
}

/// The time now, as the engine tells it: a text in JSON.
async fn taken(app: &App) -> Result<serde_json::Value, ApiError> {
    let asked = Asked { sql: "SELECT now() AS now".to_owned(), schema: None, max_rows: 1, every: Duration::ZERO };
    let answer = answered(app.clone(), asked).await?;
    let answer: serde_json::Value =
        serde_json::from_str(&answer).map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(answer["rows"][0]["now"].clone())
}
