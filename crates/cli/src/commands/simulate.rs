//! `highwater simulate`: an app's simulated events, sent or printed.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use highwater_client::Client;
use highwater_model::{Clock, SystemClock};
use highwater_simulate::{SimulatorSettings, Timeline, events_per_second, simulator_for};
use indicatif::{ProgressBar, ProgressStyle};
use tokio_util::sync::CancellationToken;

use super::live::{Feed, FeedCounts, batch_for, fill_tables, new_producer};
use crate::arguments::Simulate;
use crate::failure::Failure;
use crate::settings::Settings;

/// Events written to standard output at once.
const PRINTED: u64 = 10_000;

pub(super) async fn run(arguments: &Simulate, settings: &Settings) -> Result<(), Failure> {
    let simulation = simulation(arguments)?;
    if arguments.print {
        return print(arguments, &simulation);
    }
    let client = Client::new(&settings.to)?;
    fill_tables(&client, &*simulator_for(&arguments.app, &simulation)?).await?;
    let feed = Feed {
        client,
        app: arguments.app.clone(),
        settings: simulation,
        events: arguments.events,
        rate: arguments.rate,
        connections: u64::from(arguments.connections),
        batch: arguments.batch.map_or_else(|| batch_for(arguments.rate), u64::from),
        producer: arguments.producer.clone().unwrap_or_else(|| new_producer(&format!("simulate-{}", arguments.app))),
    };
    let counts = Arc::new(FeedCounts::default());
    let stop = CancellationToken::new();
    let bar = bar(arguments);
    let running = feed.run(&counts, &stop);
    tokio::pin!(running);
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(100));
    let took = loop {
        tokio::select! {
            took = &mut running => break took,
            _ = ticks.tick() => {
                bar.set_position(counts.events.load(Ordering::Relaxed));
                let retries = counts.retries.load(Ordering::Relaxed);
                bar.set_message(if retries > 0 { format!("{retries} sent again") } else { String::new() });
            }
            _ = tokio::signal::ctrl_c() => stop.cancel(),
        }
    };
    bar.finish_and_clear();
    let events = counts.events.load(Ordering::Relaxed);
    let seconds = took?.as_secs_f64();
    println!("{events} events in {seconds:.3} s: {:.0} events/s", events as f64 / seconds.max(0.001));
    let duplicates = counts.duplicates.load(Ordering::Relaxed);
    if duplicates > 0 {
        println!("{duplicates} of them were stored before and not again");
    }
    match counts.rejected.load(Ordering::Relaxed) {
        0 => Ok(()),
        rejected => Err(Failure::Rejected(rejected, format!("{}'s stream: see its ", arguments.app))),
    }
}

fn simulation(arguments: &Simulate) -> Result<SimulatorSettings, Failure> {
    let start = match &arguments.start {
        Some(text) => text
            .parse::<DateTime<Utc>>()
            .map_err(|error| {
                Failure::Usage(format!("--start {text}: {error}; write a time such as 2026-03-01T08:00:00Z"))
            })?
            .timestamp_micros(),
        None => SystemClock.now_micros(),
    };
    let timeline = match (arguments.days, arguments.events) {
        (Some(days), Some(events)) => Timeline::spread(start, days, events),
        _ => {
            let natural = || events_per_second(&arguments.app, arguments.users);
            Timeline::paced(start, arguments.rate.unwrap_or_else(natural), arguments.speed)?
        }
    };
    let settings = SimulatorSettings { seed: arguments.seed, timeline, users: arguments.users };
    // Refused here rather than by the first connection.
    simulator_for(&arguments.app, &settings)?;
    Ok(settings)
}

fn print(arguments: &Simulate, settings: &SimulatorSettings) -> Result<(), Failure> {
    let mut simulator = simulator_for(&arguments.app, settings)?;
    let mut left = arguments.events.unwrap_or(0);
    let mut out = std::io::stdout().lock();
    let mut batch = Vec::new();
    while left > 0 {
        batch.clear();
        simulator.next_batch(left.min(PRINTED) as usize, &mut batch);
        left -= left.min(PRINTED);
        match out.write_all(&batch) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            outcome => outcome.map_err(|source| Failure::io("cannot write to standard output", source))?,
        }
    }
    Ok(())
}

fn bar(arguments: &Simulate) -> ProgressBar {
    if arguments.quiet {
        return ProgressBar::hidden();
    }
    let form = match arguments.events {
        Some(_) => "{bar:30} {human_pos}/{human_len} events {per_sec} eta {eta} {msg}",
        None => "{spinner} {human_pos} events {per_sec} {msg}",
    };
    let bar = ProgressBar::new(arguments.events.unwrap_or(0));
    if let Ok(style) = ProgressStyle::with_template(form) {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Arguments, Command};

    fn arguments(line: &str) -> Simulate {
        match Arguments::try_parse_from(line.split_whitespace()).unwrap().command {
            Command::Simulate(simulate) => simulate,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn timing_follows_rate_speed_and_days() {
        let start = "2026-03-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().timestamp_micros();
        let at = |line: &str, event| {
            simulation(&arguments(&format!("{line} --start 2026-03-01T00:00:00Z"))).unwrap().timeline.at_micros(event)
        };
        assert_eq!(at("highwater simulate rankmysteps --rate 10 --speed 60x", 10) - start, 60_000_000);
        assert_eq!(at("highwater simulate rankmysteps", 25_000) - start, 1_000_000);
        assert_eq!(at("highwater simulate letshang", 50_000) - start, 1_000_000);
        assert_eq!(at("highwater simulate letshang --users 500", 5_000) - start, 1_000_000);
        assert_eq!(at("highwater simulate rankmysteps --events 48 --days 2", 24) - start, -86_400_000_000);
    }

    #[test]
    fn wrong_settings_are_refused_at_once() {
        for line in ["simulate nobody", "simulate rankmysteps --users 5", "simulate rankmysteps --start soon"] {
            assert!(simulation(&arguments(&format!("highwater {line}"))).is_err(), "{line}");
        }
    }
}
