//! Path and query parameters with errors that say what to send. Used by every handler; it knows no single route.

use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Longest name in a path, in bytes.
const MAX_NAME_BYTES: usize = 256;

/// A stream's, view's or table's name in the path: `name` or `schema.name`.
#[derive(Debug)]
pub(crate) struct Name(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let name: Result<Path<String>, PathRejection> = Path::from_request_parts(parts, state).await;
        let hint = "write name or schema.name, percent-encoded as UTF-8";
        match name {
            Ok(Path(name)) if name.is_empty() => Err(Problem::invalid("the name in the path is empty").with_hint(hint)),
            Ok(Path(name)) if name.len() > MAX_NAME_BYTES => {
                Err(Problem::invalid(format!("the name in the path is longer than {MAX_NAME_BYTES} bytes"))
                    .with_hint(hint))
            }
            Ok(Path(name)) if name.chars().any(char::is_control) => {
                Err(Problem::invalid("the name in the path holds a control character").with_hint(hint))
            }
            Ok(Path(name)) => Ok(Self(name)),
            Err(rejection) => Err(Problem::invalid(rejection.body_text()).with_hint(hint)),
        }
    }
}

/// The two names in the path of a page: the app's and the dashboard's.
#[derive(Debug)]
pub(crate) struct PageName {
    pub(crate) app: String,
    pub(crate) dashboard: String,
}

impl<S: Send + Sync> FromRequestParts<S> for PageName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<(String, String)>::from_request_parts(parts, state).await {
            Ok(Path((app, dashboard))) => Ok(Self { app, dashboard }),
            Err(rejection) => Err(Problem::invalid(rejection.body_text()).with_hint("percent-encode names as UTF-8")),
        }
    }
}

/// Query parameters that know their names, for the error that lists them.
pub(crate) trait Parameters: DeserializeOwned {
    /// The parameters this route takes.
    const NAMES: &'static str;
}

/// A route's query parameters. Unknown and repeated ones are refused: a misspelt filter must not be ignored.
#[derive(Debug)]
pub(crate) struct Params<T>(pub(crate) T);

impl<T: Parameters, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(params)) => Ok(Self(params)),
            Err(rejection) => {
                Err(Problem::invalid(rejection.body_text()).with_hint(format!("parameters here: {}", T::NAMES)))
            }
        }
    }
}

/// A text parameter, where an empty one counts as absent.
pub(crate) fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
