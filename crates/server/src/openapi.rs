//! The description of this API (OpenAPI 3.1): what the handlers declare, and the errors that they share.
//! Served at `/openapi.json`; committed as `docs/openapi.json`, which a test keeps current.

use axum::http::StatusCode;
use highwater_api::ErrorKind;
use serde_json::json;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use crate::problem::{PROBLEM_JSON, ProblemDocument, ProblemKind};
use crate::socket::BatchDocument;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Highwater",
        description = "Live events into views defined once in SQL: ingest, SQL, reads and subscriptions. \
            Every error is application/problem+json (RFC 9457).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        crate::pages::page,
        crate::apps::apps,
        crate::apps::dashboard,
        crate::apps::check,
        crate::published::page,
        crate::live::live,
        crate::ingest::ingest,
        crate::replay::replay,
        crate::socket::socket,
        crate::sql::sql,
        crate::views::view,
        crate::changes::changes,
        crate::snapshot::snapshot,
        crate::jobs::audit,
        crate::jobs::recompute,
        crate::jobs::jobs,
        crate::jobs::job,
        crate::jobs::cancel,
        crate::status::status,
        crate::doctor::doctor,
        crate::status::healthz,
        crate::status::readyz,
        crate::status::metrics,
        crate::status::openapi,
    ),
    components(schemas(ProblemDocument, BatchDocument)),
    tags(
        (name = "streams", description = "Events in."),
        (name = "sql", description = "Any statement."),
        (name = "views", description = "Rows and their changes out."),
        (name = "jobs", description = "Audits and recomputations in the background."),
        (name = "pages", description = "Apps, their dashboards, and the live connection of their pages."),
        (name = "operations", description = "Probes, metrics, this description."),
    ),
    modifiers(&Errors)
)]
struct Api;

/// The description as JSON text, ending in a line break.
#[must_use]
pub fn openapi_json() -> String {
    Api::openapi().to_pretty_json().map(|text| text + "\n").unwrap_or_default()
}

/// Adds the error answers of every operation, so that handlers declare only what is theirs.
struct Errors;

impl Modify for Errors {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        for item in openapi.paths.paths.values_mut() {
            for operation in [&mut item.get, &mut item.post, &mut item.delete].into_iter().flatten() {
                add(operation);
                operation.parameters.iter_mut().flatten().for_each(without_null);
            }
        }
    }
}

fn add(operation: &mut Operation) {
    for kind in kinds(operation.operation_id.as_deref().unwrap_or_default()) {
        let status = kind.parts().0.as_u16().to_string();
        operation.responses.responses.entry(status).or_insert_with(|| RefOr::T(answer(kind)));
    }
}

/// An optional parameter is left out, never null; `Option` describes it as both.
fn without_null(parameter: &mut RefOr<Parameter>) {
    if let RefOr::T(parameter) = parameter
        && let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        && let SchemaType::Array(types) = &schema.schema_type
        && let Some(one) = types.iter().find(|one| **one != Type::Null)
    {
        schema.schema_type = SchemaType::Type(one.clone());
    }
}

/// The problems that an operation may answer with.
fn kinds(operation: &str) -> Vec<ProblemKind> {
    use ErrorKind::*;
    let engine = [
        InvalidInput,
        NotFound,
        Conflict,
        TooLarge,
        Unsupported,
        Overloaded,
        Timeout,
        StorageFull,
        Unavailable,
        Internal,
    ];
    let mut kinds: Vec<ProblemKind> = match operation {
        "ingest" | "replayRejects" | "sql" | "readView" | "followView" => engine.map(ProblemKind::Engine).to_vec(),
        "ingestSocket" | "live" => vec![ProblemKind::Engine(InvalidInput), ProblemKind::UpgradeRequired],
        "checkDashboard" => [InvalidInput, TooLarge, Timeout, Overloaded].map(ProblemKind::Engine).to_vec(),
        "takeSnapshot" => {
            [InvalidInput, Conflict, Unsupported, StorageFull, Unavailable].map(ProblemKind::Engine).to_vec()
        }
        "audit" | "recompute" => [InvalidInput, NotFound, Conflict, TooLarge, Timeout, Overloaded, Unavailable]
            .map(ProblemKind::Engine)
            .to_vec(),
        "job" | "cancelJob" => [InvalidInput, NotFound].map(ProblemKind::Engine).to_vec(),
        "publishedPage" => [InvalidInput, NotFound, Unsupported, Unavailable].map(ProblemKind::Engine).to_vec(),
        "dashboard" => vec![ProblemKind::Engine(InvalidInput), ProblemKind::Engine(NotFound)],
        _ => Vec::new(),
    };
    if matches!(operation, "ingest" | "sql" | "checkDashboard") {
        kinds.push(ProblemKind::UnsupportedMediaType);
    }
    if matches!(operation, "sql" | "readView") {
        kinds.push(ProblemKind::NotAcceptable);
    }
    kinds.extend([ProblemKind::Forbidden, ProblemKind::Misdirected, ProblemKind::Engine(Internal)]);
    kinds
}

fn answer(kind: ProblemKind) -> Response {
    let (status, name, title) = kind.parts();
    let example = json!({
        "type": format!("urn:problem-type:highwater:{name}"), "title": title, "status": status.as_u16(),
        "detail": "what went wrong this time", "hint": "what to do next",
    });
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).example(Some(example)).build();
    let response = ResponseBuilder::new().description(format!("{title}.")).content(PROBLEM_JSON, content);
    let header = |schema: Type, description: &str| {
        HeaderBuilder::new()
            .schema(Some(ObjectBuilder::new().schema_type(schema)))
            .description(Some(description))
            .build()
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            response.header("Retry-After", header(Type::Integer, "Seconds to wait before trying again."))
        }
        StatusCode::UPGRADE_REQUIRED => response.header("Upgrade", header(Type::String, "`websocket`.")),
        _ => response,
    }
    .build()
}
