//! All routes and the layers around them. Called by the command line and by tests; handlers are in their own modules.

use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use bytes::Bytes;
use highwater_api::{ApiError, Engine, ErrorKind};
use highwater_dashboards::Library;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::cors::CorsLayer;

use crate::app::App;
use crate::problem::{Problem, ProblemKind};
use crate::settings::ServerSettings;
use crate::{
    apps, changes, doctor, guard, ingest, jobs, live, metrics, openapi, pages, published, replay, snapshot, socket,
    sql, status, views,
};

/// The HTTP door to `engine`, with the pages of `library`. `metrics_handle` renders the process's metrics; see
/// [`crate::install_metrics`].
pub fn router(
    engine: Arc<dyn Engine>,
    library: Arc<Library>,
    settings: ServerSettings,
    metrics_handle: PrometheusHandle,
) -> Router {
    metrics::describe();
    let cors = cors(&settings.cors_origins);
    let app = App::new(engine, library, settings, metrics_handle, Bytes::from(openapi::openapi_json()));
    let router = Router::new()
        .route("/", get(pages::page))
        .route("/apps/{*path}", get(pages::page))
        .route("/query", get(pages::page))
        .route("/data", get(pages::page))
        .route("/operations", get(pages::page))
        .route("/edit/{*path}", get(pages::page))
        .route("/assets/{*path}", get(pages::asset))
        .route("/v1/apps", get(apps::apps))
        .route("/v1/apps/{app}/dashboards/{dashboard}", get(apps::dashboard))
        .route("/v1/apps/{app}/dashboards/{dashboard}/page.html", get(published::page))
        .route("/v1/dashboards/check", post(apps::check))
        .route("/v1/live", get(live::live))
        .route("/v1/streams/{stream}/events", post(ingest::ingest))
        .route("/v1/streams/{stream}/rejects/replay", post(replay::replay))
        .route("/v1/streams/{stream}/socket", get(socket::socket))
        .route("/v1/sql", post(sql::sql))
        .route("/v1/views/{view}", get(views::view))
        .route("/v1/views/{view}/changes", get(changes::changes))
        .route("/v1/snapshots", post(snapshot::snapshot))
        .route("/v1/audits", post(jobs::audit))
        .route("/v1/recomputes", post(jobs::recompute))
        .route("/v1/jobs", get(jobs::jobs))
        .route("/v1/jobs/{job}", get(jobs::job).delete(jobs::cancel))
        .route("/v1/status", get(status::status))
        .route("/v1/doctor", get(doctor::doctor))
        .route("/healthz", get(status::healthz))
        .route("/readyz", get(status::readyz))
        .route("/metrics", get(status::metrics))
        .route("/openapi.json", get(status::openapi))
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

async fn no_such_path(request: Request) -> Problem {
    let detail = format!("there is nothing at {}", request.uri().path());
    Problem::from(ApiError::new(ErrorKind::NotFound, detail).with_hint("the paths are listed in /openapi.json"))
}

/// The methods that the path knows come in the `Allow` header, which the route adds by itself.
async fn wrong_method(request: Request) -> Problem {
    let detail = format!("{} is not a method of {}", request.method(), request.uri().path());
    Problem::new(ProblemKind::MethodNotAllowed, detail).with_hint("the Allow header lists the methods of this path")
}

/// What the listed origins' pages may do; nothing unless origins are listed.
fn cors(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins
        .iter()
        .filter_map(|origin| {
            let value = HeaderValue::from_str(origin);
            if value.is_err() {
                tracing::warn!(origin, "not an origin; ignored");
            }
            value.ok()
        })
        .collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers([
                ACCEPT,
                CONTENT_TYPE,
                CONTENT_ENCODING,
                IF_NONE_MATCH,
                ingest::PRODUCER,
                ingest::SEQUENCE,
                HeaderName::from_static("last-event-id"),
            ])
            .expose_headers([ETAG, RETRY_AFTER, crate::encode::VERSION, HeaderName::from_static("x-request-id")])
    })
}
