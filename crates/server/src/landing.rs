//! `GET /`: one plain page that says what runs here and where to go on. Self-contained; the web UI takes its place.

use std::fmt::Write;

use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::app::App;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;padding:0 1rem}\
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem 1rem .2rem 0}td.n,th.n{text-align:right}\
@media(prefers-color-scheme:dark){body{background:#111;color:#ddd}a{color:#8cf}}";

/// Says what is running.
#[utoipa::path(get, path = "/", operation_id = "landing", tag = "operations",
    responses((status = 200, description = "A page.", body = String, content_type = "text/html")))]
pub(crate) async fn landing(State(app): State<App>) -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ];
    (headers, page(&app)).into_response()
}

fn page(app: &App) -> String {
    let (readiness, status) = (app.engine.readiness(), app.engine.status());
    let mut rows = String::new();
    for stream in &status.streams {
        row(&mut rows, "stream", &stream.name, None, stream.records);
    }
    for view in &status.views {
        row(&mut rows, "view", &view.name, Some(&view.name), view.rows);
    }
    let ready = if readiness.ready { "ready" } else { "not ready" };
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Highwater</title><style>{STYLE}</style>\n<h1>Highwater {version}</h1>\n<p>{ready}: {detail}</p>\n\
         <table><tr><th>kind<th>name<th class=n>rows</tr>\n{rows}</table>\n<ul>\
         <li><a href=\"/openapi.json\">/openapi.json</a>: the HTTP API\
         <li><a href=\"/v1/status\">/v1/status</a>: streams, views, lags\
         <li><a href=\"/readyz\">/readyz</a>, <a href=\"/healthz\">/healthz</a>, <a href=\"/metrics\">/metrics</a>\
         </ul></html>\n",
        version = env!("CARGO_PKG_VERSION"),
        detail = escaped(&readiness.detail),
    )
}

fn row(rows: &mut String, kind: &str, name: &str, view: Option<&str>, count: u64) {
    let name = escaped(name);
    // A name with characters of its own in URLs is shown without a link.
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    let name = match view.filter(plain) {
        Some(view) => format!("<a href=\"/v1/views/{view}?limit=100\">{name}</a>"),
        None => name,
    };
    // Writing to a String cannot fail.
    let _ = writeln!(rows, "<tr><td>{kind}<td>{name}<td class=n>{count}</tr>");
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
