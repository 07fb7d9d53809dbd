//! What every handler shares: the engine, the settings and the gate that bounds ingest. Made once by the router.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use bytes::Bytes;
use highwater_api::Engine;
use highwater_dashboards::Library;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::body::Intake;
use crate::settings::ServerSettings;

/// Shared by all handlers; cloning is one reference count.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

/// The parts of [`App`].
pub(crate) struct Shared {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) settings: ServerSettings,
    pub(crate) intake: Intake,
    /// The pages of the apps.
    pub(crate) library: Arc<Library>,
    /// Turns to ask for the answers of live pages: they give way to everybody else's queries.
    pub(crate) live_turns: Arc<Semaphore>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) openapi: Bytes,
    requests: AtomicU64,
}

impl App {
    pub(crate) fn new(
        engine: Arc<dyn Engine>,
        library: Arc<Library>,
        settings: ServerSettings,
        metrics: PrometheusHandle,
        openapi: Bytes,
    ) -> Self {
        let intake = Intake::new(&settings);
        let live_turns = Arc::new(Semaphore::new(settings.max_live_queries.max(1)));
        let requests = AtomicU64::new(0);
        Self(Arc::new(Shared { engine, settings, intake, library, live_turns, metrics, openapi, requests }))
    }

    /// The number of this request since the start, from 1.
    pub(crate) fn next_request(&self) -> u64 {
        self.0.requests.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl std::ops::Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// Fires when the server stops, so that streams without an end (subscriptions, sockets) end themselves.
#[derive(Clone, Debug, Default)]
pub(crate) struct Closing(pub(crate) CancellationToken);

impl<S: Sync> FromRequestParts<S> for Closing {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
