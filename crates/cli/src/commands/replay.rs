//! `highwater replay-rejects`: rejected records become events where the present declaration reads them.

use highwater_api::ReplayRequest;
use highwater_client::Client;

use crate::arguments::ReplayRejects;
use crate::failure::Failure;
use crate::settings::Settings;

pub(super) async fn run(arguments: &ReplayRejects, settings: &Settings) -> Result<(), Failure> {
    let client = Client::new(&settings.to)?;
    let request = ReplayRequest { stream: arguments.stream.clone(), filter: arguments.r#where.clone() };
    let report = client.replay_rejects(&request).await?;
    println!(
        "{}: {} rejects became {} events, {} are refused still, {} had become events before",
        report.stream, report.replayed, report.events, report.refused, report.replayed_before
    );
    for refusal in &report.refusals {
        eprintln!("  _offset {}: {}", refusal.offset, refusal.reason);
    }
    if report.refused == 0 { Ok(()) } else { Err(Failure::Rejected(report.refused, report.stream)) }
}
