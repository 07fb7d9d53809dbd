//! `highwater up`: serves a data folder until it is told to stop.

use crate::apps::{App, find_app};
use crate::arguments::Up;
use crate::failure::Failure;
use crate::serve::Serving;
use crate::settings::Settings;

pub(super) async fn run(arguments: &Up, settings: &Settings) -> Result<(), Failure> {
    if let Some(address) = &arguments.pg_listen {
        return Err(Failure::Usage(format!(
            "--pg-listen {address}: the PostgreSQL door is not built yet; leave it out and ask over HTTP \
             (`highwater sql`, POST /v1/sql)"
        )));
    }
    // Whatever is wrong with an app is told before anything is opened.
    let apps = arguments.names.iter().map(|name| find_app(name, &settings.apps)).collect::<Result<Vec<_>, _>>()?;
    let serving = Serving::start(settings).await?;
    match load(&serving, &apps).await {
        Ok(()) => {
            announce(&serving, settings, &apps);
            serving.until_stopped().await
        }
        Err(failure) => {
            serving.stop().await?;
            Err(failure)
        }
    }
}

/// Loads apps, telling what the engine has to say.
pub(super) async fn load(serving: &Serving, apps: &[App]) -> Result<(), Failure> {
    for app in apps {
        for notice in serving.load(app).await? {
            tracing::info!(app = app.name, "{notice}");
        }
        let folder = app.folder.as_ref().map_or_else(|| "bundled".to_owned(), |folder| folder.display().to_string());
        tracing::info!(app = app.name, folder, "loaded");
    }
    Ok(())
}

/// The first line is for programs too: it ends in the address.
fn announce(serving: &Serving, settings: &Settings, apps: &[App]) {
    println!("highwater serves {} on {}", settings.data.display(), serving.url());
    for app in apps {
        println!("  {}: {}", app.name, app.manifest.title);
    }
}
