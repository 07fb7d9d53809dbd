//! The web UI: its page at every address that it draws, its files under `/assets`. What they hold is `highwater_ui`'s.

use axum::extract::Path;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_api::{ApiError, ErrorKind};

use crate::problem::Problem;

/// Nothing from elsewhere: no scripts, styles, fonts, pictures or connections. Styles within elements are what charts
/// and the editor set.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
    connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Gives the page of the web UI. It shows what its address names.
#[utoipa::path(get, path = "/", operation_id = "page", tag = "pages",
    responses((status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 304, description = "The page has not changed.")))]
pub(crate) async fn page(headers: HeaderMap) -> Result<Response, Problem> {
    file("index.html", &headers)
}

/// One of the page's files.
pub(crate) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    file(&format!("assets/{path}"), &headers)
}

fn file(path: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let named = |name, word: &str| headers.get(name).and_then(|v| v.to_str().ok()).is_some_and(|v| v.contains(word));
    let Some(asset) = highwater_ui::find(path, named(ACCEPT_ENCODING, "gzip")) else {
        let error = ApiError::new(ErrorKind::NotFound, format!("there is no file {path}"));
        return Err(error.with_hint("the page was made by another version of this server: load it again").into());
    };
    let tag = format!("\"{}\"", asset.tag);
    let unchanged = named(IF_NONE_MATCH, &tag);
    let mut response = match unchanged {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => asset.bytes.into_owned().into_response(),
    };
    let kept = if asset.immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    if unchanged {
        return Ok(response);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    if asset.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}
