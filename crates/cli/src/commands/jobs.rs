//! `highwater audit` and `highwater recompute`: begins a job on a server, follows it, prints what came of it. The exit code
//! says whether what is served is what its history gives.

use std::time::Duration;

use highwater_client::{Client, ClientError};
use highwater_server::{AuditDocument, DifferenceDocument, JobBody, JobDocument};
use indicatif::{ProgressBar, ProgressStyle};

use crate::arguments::RelationJob;
use crate::failure::Failure;
use crate::settings::Settings;

/// Time between two looks at a job.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Rows that differ, printed of each relation.
const PRINTED_ROWS: usize = 10;

pub(super) async fn run(kind: &str, arguments: &RelationJob, settings: &Settings) -> Result<(), Failure> {
    let undone = |error: ClientError| Failure::Unaudited(error.to_string());
    let client = Client::new(&settings.to).map_err(undone)?;
    let body = JobBody { views: arguments.views.clone(), app: arguments.app.clone() };
    let job: JobDocument = client.post_json(&format!("v1/{kind}s"), &body).await.map_err(undone)?;
    let job = follow(&client, job, arguments).await.map_err(undone)?;
    if arguments.json {
        let text = serde_json::to_string_pretty(&job).map_err(|error| Failure::Answer(error.to_string()))?;
        println!("{text}");
    } else {
        job.results.iter().for_each(print);
    }
    conclude(kind, &job)
}

/// Follows a job until it is over. Ctrl-C gives it up.
async fn follow(client: &Client, mut job: JobDocument, arguments: &RelationJob) -> Result<JobDocument, ClientError> {
    let bar = bar(arguments);
    let place = format!("v1/jobs/{}", job.id);
    while !matches!(job.state.as_str(), "done" | "cancelled") {
        bar.set_position((job.progress * 1_000.0) as u64);
        bar.set_message(job.relation.clone().unwrap_or_default());
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => job = client.get_json(&place).await?,
            _ = tokio::signal::ctrl_c() => job = client.delete_json(&place).await?,
        }
    }
    bar.finish_and_clear();
    Ok(job)
}

fn bar(arguments: &RelationJob) -> ProgressBar {
    if arguments.quiet || arguments.json {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(1_000);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent}% {msg}") {
        bar.set_style(style);
    }
    bar
}

fn print(found: &AuditDocument) {
    let AuditDocument { relation, rows, events, took_ms, missing, extra, different, .. } = found;
    match (found.status.as_str(), &found.error) {
        ("equal", None) => println!("{relation}: equal, {rows} rows, from {events} events in {took_ms:.0} ms"),
        ("failed", error) => println!("{relation}: could not be compared: {}", error.as_deref().unwrap_or_default()),
        (_, error) => {
            println!("{relation}: different: {missing} rows missing, {extra} too many, {different} with other values");
            found.differences.iter().take(PRINTED_ROWS).for_each(print_row);
            if let Some(error) = error {
                println!("  {error}");
            }
        }
    }
}

fn print_row(row: &DifferenceDocument) {
    let text = |values: &Option<_>| values.as_ref().and_then(|values| serde_json::to_string(values).ok());
    let (live, recomputed) = (text(&row.live), text(&row.recomputed));
    println!("  {}: served {}", row.kind, live.as_deref().unwrap_or("nothing"));
    println!("    its history gives {}", recomputed.as_deref().unwrap_or("nothing"));
}

fn conclude(kind: &str, job: &JobDocument) -> Result<(), Failure> {
    let count = |status: &str| job.results.iter().filter(|found| found.status == status).count();
    let (different, failed) = (count("different"), count("failed"));
    if job.state == "cancelled" {
        return Err(Failure::Unaudited(format!("the {kind} was given up")));
    }
    match (different, failed) {
        (0, 0) => Ok(()),
        (0, failed) => Err(Failure::Unaudited(format!("{failed} of {} could not be compared", job.results.len()))),
        (different, _) => Err(Failure::Different(format!(
            "{different} of {} differ from what their history gives; the rows are in highwater.audit_rows",
            job.results.len()
        ))),
    }
}
