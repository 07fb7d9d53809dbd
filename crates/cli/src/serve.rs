//! The one place where engine and server meet: opens the engine on a data folder, listens, serves, stops in order.
//! Used by `up`, `demo` and `check`. Only this file knows which engine it is; `doctor` looks at folders that none serves.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use highwater_api::{ApiError, Engine};
use highwater_dashboards::{AppPages, Library};
use highwater_engine::{ArchiveOptions, EngineSettings, Highwater};
use highwater_model::SystemClock;
use highwater_server::{ServerSettings, install_metrics, router};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::address;
use crate::apps::{App, load_app};
use crate::failure::Failure;
use crate::settings::{ArchivePlace, Settings};

/// An engine behind its HTTP door.
pub struct Serving {
    engine: Arc<Highwater>,
    library: Arc<Library>,
    url: String,
    stop: CancellationToken,
    door: JoinHandle<std::io::Result<()>>,
}

impl Serving {
    /// Opens the data folder and serves it.
    ///
    /// # Errors
    /// When the address may not or cannot be listened on, or the engine cannot be opened.
    pub async fn start(settings: &Settings) -> Result<Self, Failure> {
        settings.check_listen()?;
        // The address first: two servers by mistake should not fight over the data folder.
        let listener = TcpListener::bind(settings.listen).await.map_err(|source| listen_failure(settings, source))?;
        let address = listener
            .local_addr()
            .map_err(|source| Failure::io(format!("cannot listen on {}", settings.listen), source))?;
        let metrics = install_metrics()
            .map_err(|error| Failure::io("cannot count what happens", std::io::Error::other(error)))?;
        let engine = open_engine(settings).await?;
        let url = format!("http://{address}");
        address::leave(&settings.data, &url);
        let library = Arc::<Library>::default();
        let routes = router(engine.clone(), library.clone(), ServerSettings::for_address(address), metrics);
        let stop = CancellationToken::new();
        let door = tokio::spawn(highwater_server::serve(listener, routes, stop.clone().cancelled_owned()));
        // Meanwhile the door takes events and answers probes.
        engine.caught_up().await;
        Ok(Self { engine, library, url, stop, door })
    }

    /// The engine.
    pub fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    /// Loads an app into the engine, and its pages into the web UI; gives the engine's notices.
    ///
    /// # Errors
    /// When its SQL is refused.
    pub async fn load(&self, app: &App) -> Result<Vec<String>, ApiError> {
        if let Some(folder) = &app.folder {
            self.engine.set_app_folder(app.name.clone(), folder);
        }
        let notices = load_app(&*self.engine, app).await?;
        let (name, title) = (app.name.clone(), app.manifest.title.clone());
        self.library.add(AppPages { name, title, source: app.pages.clone() });
        Ok(notices)
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Serves until Ctrl-C or SIGTERM, then stops in order.
    ///
    /// # Errors
    /// When serving broke off or the engine could not be closed.
    pub async fn until_stopped(mut self) -> Result<(), Failure> {
        tokio::select! {
            () = asked_to_stop() => tracing::info!("stopping; once more to stop at once"),
            ended = &mut self.door => {
                tracing::error!("the server broke off");
                let outcome = flatten(ended);
                self.engine.close().await;
                return outcome;
            }
        }
        tokio::select! {
            outcome = self.stop() => outcome,
            () = asked_to_stop() => Ok(()),
        }
    }

    /// Lets running requests finish, then closes the engine.
    ///
    /// # Errors
    /// As [`Serving::until_stopped`].
    pub async fn stop(self) -> Result<(), Failure> {
        self.stop.cancel();
        let served = flatten(self.door.await);
        self.engine.close().await;
        served
    }
}

/// Opens an engine on a folder that is thrown away afterwards.
///
/// # Errors
/// When the engine cannot be opened.
pub async fn open_scratch(folder: &Path) -> Result<Highwater, Failure> {
    let engine = Highwater::open(EngineSettings::new(folder), Arc::new(SystemClock)).await.map_err(ApiError::from)?;
    engine.caught_up().await;
    Ok(engine)
}

/// Opens the engine on the data folder of the settings.
async fn open_engine(settings: &Settings) -> Result<Arc<Highwater>, Failure> {
    let mut engine = EngineSettings::new(&settings.data);
    engine.memory_limit = settings.memory_limit;
    engine.archive = match (&settings.archive, engine.archive) {
        (ArchivePlace::Nowhere, _) => None,
        (ArchivePlace::Here, options) => options,
        (ArchivePlace::At(root), options) => options.map(|options| ArchiveOptions { root: root.clone(), ..options }),
    };
    if let Some(options) = &mut engine.archive {
        options.interval = settings.archive_interval.0;
        options.keep_raw = settings.archive_raw;
        options.keep_replaced = settings.archive_keep_replaced.0;
        if options.root.starts_with("s3://") {
            options.options = store_options_of_environment();
        }
        options.options.extend(settings.archive_options.0.clone());
    }
    engine.checkpoint_interval = settings.checkpoint_interval.0;
    engine.log.segment_bytes = settings.log_segment_size;
    engine.audit_schedule = settings.audit_schedule.clone();
    engine.recompute_schedule = settings.recompute_schedule.clone();
    engine.batch_memory = settings.batch_memory;
    if settings.threads > 0 {
        engine.threads = settings.threads;
    }
    let opened = Highwater::open(engine, Arc::new(SystemClock)).await.map_err(ApiError::from)?;
    Ok(Arc::new(opened))
}

/// Environment variables that other programs for S3 read, too, and the archive's options they stand for; later ones win.
const STORE_VARIABLES: &[(&str, &str)] = &[
    ("AWS_ACCESS_KEY_ID", "access_key_id"),
    ("AWS_SECRET_ACCESS_KEY", "secret_access_key"),
    ("AWS_SESSION_TOKEN", "session_token"),
    ("AWS_DEFAULT_REGION", "region"),
    ("AWS_REGION", "region"),
    ("AWS_ENDPOINT_URL", "endpoint"),
    ("AWS_ENDPOINT_URL_S3", "endpoint"),
    ("AWS_ALLOW_HTTP", "allow_http"),
];

fn store_options_of_environment() -> BTreeMap<String, String> {
    let given = |&(variable, option): &(&str, &str)| Some((option.to_owned(), std::env::var(variable).ok()?));
    STORE_VARIABLES.iter().filter_map(given).collect()
}

fn listen_failure(settings: &Settings, source: std::io::Error) -> Failure {
    let advice = match source.kind() {
        std::io::ErrorKind::AddrInUse => "; another program listens there: stop it or choose another with --listen",
        std::io::ErrorKind::PermissionDenied => "; choose a port above 1023 with --listen",
        _ => "",
    };
    Failure::io(format!("cannot listen on {}{advice}", settings.listen), source)
}

fn flatten(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> Result<(), Failure> {
    let served = ended.map_err(|error| Failure::io("the server broke off", std::io::Error::other(error)))?;
    served.map_err(|source| Failure::io("the server broke off", source))
}

#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    let _ = tokio::signal::ctrl_c().await;
}
