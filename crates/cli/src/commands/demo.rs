//! `highwater demo`: every bundled app with its simulator running, in one process. The simulators go through the same
//! HTTP door as everybody else.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use highwater_client::Client;
use highwater_model::{Clock, SystemClock};
use highwater_simulate::{SIMULATED_APPS, SimulatorSettings, Timeline, simulator_for};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::live::{Feed, FeedCounts, batch_for, fill_tables, new_producer};
use super::up::load;
use crate::apps::{App, SimulatorManifest, all_apps};
use crate::arguments::Demo;
use crate::failure::Failure;
use crate::serve::Serving;
use crate::settings::Settings;

/// Connections that make up history.
const HISTORY_CONNECTIONS: u64 = 4;

pub(super) async fn run(arguments: &Demo, settings: &Settings) -> Result<(), Failure> {
    let apps = all_apps(&settings.apps)?;
    let serving = Serving::start(settings).await?;
    let stop = CancellationToken::new();
    let mut simulators = JoinSet::new();
    let started = start(arguments, &serving, &apps, &mut simulators, &stop).await;
    if let Err(failure) = started {
        serving.stop().await?;
        return Err(failure);
    }
    announce(&serving, settings, &apps);
    let outcome = serving.until_stopped().await;
    stop.cancel();
    while simulators.join_next().await.is_some() {}
    outcome
}

async fn start(
    arguments: &Demo,
    serving: &Serving,
    apps: &[App],
    simulators: &mut JoinSet<()>,
    stop: &CancellationToken,
) -> Result<(), Failure> {
    load(serving, apps).await?;
    let client = Client::new(serving.url())?;
    for app in apps.iter().filter(|app| SIMULATED_APPS.contains(&app.name.as_str())) {
        let Some(simulator) = app.manifest.simulator else { continue };
        make_history(serving, &client, app, &simulator, arguments.no_history).await?;
        let feed = live_feed(&client, app, &simulator)?;
        let stop = stop.clone();
        simulators.spawn(async move {
            if let Err(failure) = feed.run(&Arc::default(), &stop).await
                && !stop.is_cancelled()
            {
                tracing::error!(app = feed.app, "the simulator stopped: {}", failure.report());
            }
        });
    }
    Ok(())
}

/// Fills the tables and, unless not wanted, makes up the days before now; nothing when the stream holds events already.
async fn make_history(
    serving: &Serving,
    client: &Client,
    app: &App,
    simulator: &SimulatorManifest,
    no_history: bool,
) -> Result<(), Failure> {
    let now = SystemClock.now_micros();
    let events = simulator.backfill_events;
    let settings = SimulatorSettings {
        seed: 1,
        timeline: Timeline::spread(now, simulator.backfill_days, events),
        users: simulator.users,
    };
    let made = simulator_for(&app.name, &settings)?;
    if holds_events(serving, made.stream()) {
        return Ok(());
    }
    fill_tables(client, &*made).await?;
    if events == 0 || no_history {
        return Ok(());
    }
    let feed = Feed {
        client: client.clone(),
        app: app.name.clone(),
        settings,
        events: Some(events),
        rate: None,
        connections: HISTORY_CONNECTIONS,
        batch: batch_for(None),
        producer: new_producer("demo-history"),
    };
    let bar = ProgressBar::new(events);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {human_pos}/{human_len} events {per_sec}") {
        bar.set_style(style);
    }
    bar.set_prefix(format!("{}: {} days of history", app.name, simulator.backfill_days));
    let counts = Arc::new(FeedCounts::default());
    let stop = CancellationToken::new();
    let running = feed.run(&counts, &stop);
    tokio::pin!(running);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    loop {
        tokio::select! {
            took = &mut running => {
                bar.finish_and_clear();
                took?;
                return Ok(());
            }
            _ = ticks.tick() => bar.set_position(counts.events.load(Ordering::Relaxed)),
        }
    }
}

fn holds_events(serving: &Serving, stream: &str) -> bool {
    serving.engine().status().streams.iter().any(|status| status.name == stream && status.records > 0)
}

fn live_feed(client: &Client, app: &App, simulator: &SimulatorManifest) -> Result<Feed, Failure> {
    let rate = simulator.events_per_second;
    let now = SystemClock.now_micros();
    Ok(Feed {
        client: client.clone(),
        app: app.name.clone(),
        settings: SimulatorSettings {
            // Another history than the one made up, and another one after each start.
            seed: now.cast_unsigned(),
            timeline: Timeline::paced(now, rate, 1.0)?,
            users: simulator.users,
        },
        events: None,
        rate: Some(rate),
        connections: 1,
        batch: batch_for(Some(rate)),
        producer: new_producer("demo-live"),
    })
}

fn announce(serving: &Serving, settings: &Settings, apps: &[App]) {
    let url = serving.url();
    println!("\nhighwater serves {} on {url}", settings.data.display());
    println!("Events arrive now. Open {url} in a browser, or ask in another terminal:\n");
    for app in apps {
        println!("  # {}: {}", app.name, app.manifest.title);
        for query in &app.manifest.queries {
            println!("  highwater sql --to {url} -c \"{}\"", query.replace('"', "\\\""));
        }
    }
    if let Some(app) = apps.iter().find(|app| app.name == "rankmysteps") {
        println!("  curl '{url}/v1/views/{}.top_walkers?limit=5'", app.name);
        println!("  curl -N '{url}/v1/views/{}.daily_totals/changes'", app.name);
    }
    println!("\nThe HTTP doors are described at {url}/openapi.json. Stop with Ctrl-C; the data stays.");
}
