//! What happens around every request: who may ask (host, origin), a request id, panics caught, headers that keep
//! browsers honest, and one count. One layer of the router; it never looks at bodies.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use highwater_api::{ApiError, ErrorKind};

use crate::app::App;
use crate::metrics;
use crate::problem::{Problem, ProblemKind};
use crate::settings::ServerSettings;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from the client.
const MAX_REQUEST_ID: usize = 128;

/// The layer.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let number = app.next_request();
    if number.is_multiple_of(metrics::UPKEEP_EVERY) {
        app.metrics.run_upkeep();
    }
    let id = request_id(request.headers(), number);
    let method = method_label(request.method());
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or("unmatched").to_owned();
    let mut response = match admit(request.headers(), &app.settings) {
        Ok(()) => AssertUnwindSafe(next.run(request)).catch_unwind().await.unwrap_or_else(|_| panicked(&route, &id)),
        Err(problem) => problem.into_response(),
    };
    let status = response.status();
    if status.is_server_error() {
        tracing::warn!(route, method, status = status.as_u16(), request = ?id, "request failed");
    }
    dress(response.headers_mut(), id);
    metrics::request(&route, method, status.as_u16(), started.elapsed());
    response
}

/// Whether the request is meant for this server (DNS rebinding) and from a page that may call it (cross-site requests).
fn admit(headers: &HeaderMap, settings: &ServerSettings) -> Result<(), Problem> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    if let (Some(allowed), Some(host)) = (&settings.allowed_hosts, host) {
        let name = host.parse::<Authority>().map(|authority| authority.host().to_ascii_lowercase());
        if !name.is_ok_and(|name| allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(&name))) {
            let detail = format!("this server does not answer for the host {host:?}");
            return Err(Problem::new(ProblemKind::Misdirected, detail)
                .with_hint(format!("address it as {}", allowed.join(", "))));
        }
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("null");
    let own = origin.split_once("://").is_some_and(|(_, authority)| Some(authority) == host);
    if own || settings.cors_origins.iter().any(|allowed| allowed == origin) {
        return Ok(());
    }
    Err(Problem::new(ProblemKind::Forbidden, format!("pages of the origin {origin:?} may not call this server"))
        .with_hint("allow the origin in the server's settings (cors_origins)"))
}

/// The client's own id when it is usable, or this request's number.
fn request_id(headers: &HeaderMap, number: u64) -> HeaderValue {
    match headers.get(REQUEST_ID) {
        Some(id) if id.len() <= MAX_REQUEST_ID && id.to_str().is_ok_and(|id| !id.is_empty()) => id.clone(),
        _ => HeaderValue::from(number),
    }
}

/// Methods are labels of a metric, so there are only a few of them.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The panic's own text is already on standard error; the client learns where to look.
fn panicked(route: &str, id: &HeaderValue) -> Response {
    tracing::error!(route, request = ?id, "a handler panicked");
    let error = ApiError::new(ErrorKind::Internal, "the server hit a defect while answering")
        .with_hint("look for this request's x-request-id in the server's log, and report it");
    Problem::from(error).into_response()
}

/// Headers of every answer.
fn dress(headers: &mut HeaderMap, id: HeaderValue) {
    headers.insert(REQUEST_ID, id);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
