//! Errors on the wire: `application/problem+json` (RFC 9457). The only place that knows which status an error has.
//! Every handler here fails with a [`Problem`]; nothing else writes an error body.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, UPGRADE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use highwater_api::{ApiError, ErrorKind};
use highwater_model::{Diagnostic, Severity};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of errors.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Kinds of problem: the engine's, and those that only HTTP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    Engine(ErrorKind),
    Forbidden,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    Misdirected,
    UpgradeRequired,
}

impl ProblemKind {
    /// Status, the last part of `type`, and title.
    pub(crate) fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Engine(ErrorKind::InvalidInput) => (StatusCode::BAD_REQUEST, "invalid-input", "The input is wrong"),
            Self::Engine(ErrorKind::NotFound) => (StatusCode::NOT_FOUND, "not-found", "There is no such thing here"),
            Self::Engine(ErrorKind::Conflict) => {
                (StatusCode::CONFLICT, "conflict", "The request contradicts what is there")
            }
            Self::Engine(ErrorKind::TooLarge) => (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "A limit was passed"),
            Self::Engine(ErrorKind::Unsupported) => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unsupported", "Understood but not supported")
            }
            Self::Engine(ErrorKind::Overloaded) => (StatusCode::TOO_MANY_REQUESTS, "overloaded", "Try again later"),
            Self::Engine(ErrorKind::Timeout) => (StatusCode::REQUEST_TIMEOUT, "timeout", "It took too long"),
            Self::Engine(ErrorKind::StorageFull) => {
                (StatusCode::INSUFFICIENT_STORAGE, "storage-full", "The storage is full")
            }
            Self::Engine(ErrorKind::Unavailable) => {
                (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now")
            }
            Self::Engine(ErrorKind::Internal) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "internal", "A defect of the server")
            }
            Self::Forbidden => (StatusCode::FORBIDDEN, "forbidden-origin", "The page may not call this server"),
            Self::MethodNotAllowed => {
                (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "The path does not know this method")
            }
            Self::NotAcceptable => {
                (StatusCode::NOT_ACCEPTABLE, "not-acceptable", "The answer has none of the forms asked for")
            }
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body has a form not read here")
            }
            Self::Misdirected => {
                (StatusCode::MISDIRECTED_REQUEST, "misdirected", "The request is addressed to another host")
            }
            Self::UpgradeRequired => {
                (StatusCode::UPGRADE_REQUIRED, "upgrade-required", "The path speaks WebSocket only")
            }
        }
    }
}

/// An error on its way to the wire.
#[derive(Debug)]
pub(crate) struct Problem {
    kind: ProblemKind,
    document: Box<ProblemDocument>,
    retry_after: Option<Duration>,
}

/// The body of every error answer (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// What kind of problem, as a URN that stays the same between versions.
    #[serde(rename = "type")]
    #[schema(example = "urn:problem-type:highwater:invalid-input")]
    pub type_uri: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time.
    pub detail: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Findings in the text that was sent, all at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Finding>,
}

/// One finding in a text that was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// `error` or `warning`.
    pub severity: String,
    /// What is wrong.
    pub message: String,
    /// Line of the text, from 1; 0 when no place can be named.
    pub line: u32,
    /// Column in characters, from 1; 0 when no place can be named.
    pub column: u32,
    /// How many characters are at fault.
    pub length: u32,
    /// The line itself.
    pub source: String,
    /// What to write instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl From<Diagnostic> for Finding {
    fn from(d: Diagnostic) -> Self {
        let severity = match d.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        Self {
            severity: severity.to_owned(),
            message: d.message,
            line: d.line,
            column: d.column,
            length: d.length,
            source: d.source,
            hint: d.hint,
        }
    }
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (status, name, title) = kind.parts();
        let document = ProblemDocument {
            type_uri: format!("urn:problem-type:highwater:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            hint: None,
            diagnostics: Vec::new(),
        };
        Self { kind, document: Box::new(document), retry_after: None }
    }

    /// What was sent is wrong (400).
    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::Engine(ErrorKind::InvalidInput), detail)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.document.hint = Some(hint.into());
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.kind.parts().0
    }

    /// How long to wait before trying again, if the problem goes away by waiting.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    pub(crate) fn into_document(self) -> ProblemDocument {
        *self.document
    }
}

impl From<ApiError> for Problem {
    fn from(error: ApiError) -> Self {
        if error.kind == ErrorKind::Internal {
            tracing::error!(error = %error, "the engine failed");
        }
        let mut problem = Self::new(ProblemKind::Engine(error.kind), error.message);
        problem.document.hint = error.hint;
        problem.document.diagnostics = error.diagnostics.0.into_iter().map(Finding::from).collect();
        problem.retry_after = error.retry_after;
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self.document).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        let must_wait = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        if must_wait || self.retry_after.is_some() {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(self.retry_after)));
        }
        if status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        }
        response
    }
}

/// Rounded up, at least 1: a client that obeys never comes too early.
fn whole_seconds(after: Option<Duration>) -> u64 {
    after.map_or(1, |after| (after.as_millis().div_ceil(1000) as u64).max(1))
}
