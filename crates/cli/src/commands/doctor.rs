//! `highwater doctor`: looks into a data folder that nothing serves, by opening it as a server would: which checks every
//! checksum on the way, replays what the saved state lacks, and finds out whether it all fits together.

use comfy_table::{Table, presets};
use highwater_api::{EngineStatus, ViewState, ViewStatus};
use serde_json::json;

use crate::arguments::Doctor;
use crate::failure::Failure;
use crate::serve::{Examination, examine};
use crate::settings::Settings;

pub(super) async fn run(arguments: &Doctor, settings: &Settings) -> Result<(), Failure> {
    if !settings.data.is_dir() {
        return Err(Failure::Usage(format!(
            "there is no data folder {}; name one with --data",
            settings.data.display()
        )));
    }
    if arguments.repair {
        eprintln!("rebuilding the state in {} from the log …", settings.data.display());
    }
    let examination = examine(settings, arguments.repair).await?;
    if arguments.json {
        println!("{}", document(&examination));
    } else {
        print!("{}", text(&examination));
    }
    match findings(&examination).len() {
        0 => Ok(()),
        count => Err(Failure::Unsound(format!(
            "{count} findings in {}; --repair rebuilds the state from the log",
            settings.data.display()
        ))),
    }
}

/// Everything that is not as it should be.
fn findings(examination: &Examination) -> Vec<String> {
    let finding = |view: &ViewStatus| match (&view.error, view.state) {
        (Some(error), _) => Some(format!("view {}: {error}", view.name)),
        (None, ViewState::Failed) => Some(format!("view {} failed", view.name)),
        _ => None,
    };
    examination.status.views.iter().filter_map(finding).collect()
}

fn document(examination: &Examination) -> String {
    json!({
        "status": examination.status,
        "sizes": examination.sizes.iter().map(|(name, bytes)| json!({"name": name, "bytes": bytes})).collect::<Vec<_>>(),
        "findings": findings(examination),
    })
    .to_string()
}

fn text(examination: &Examination) -> String {
    let mut text = status_tables(&examination.status);
    let mut sizes = table(&["on disk", "bytes"]);
    for (name, bytes) in &examination.sizes {
        sizes.add_row([name.clone(), bytes.to_string()]);
    }
    text.push_str(&format!("{sizes}\n"));
    let findings = findings(examination);
    for finding in &findings {
        text.push_str(&format!("damaged: {finding}\n"));
    }
    if findings.is_empty() {
        text.push_str("sound: log, state and catalog fit together\n");
    }
    text
}

fn status_tables(status: &EngineStatus) -> String {
    let mut streams = table(&["stream", "partitions", "records", "rejects", "lag", "bytes"]);
    for stream in &status.streams {
        streams.add_row([
            stream.name.clone(),
            stream.partitions.to_string(),
            stream.records.to_string(),
            stream.rejects.to_string(),
            stream.lag.to_string(),
            stream.bytes.to_string(),
        ]);
    }
    let mut views = table(&["view", "state", "rows", "lag", "bytes"]);
    for view in &status.views {
        views.add_row([
            view.name.clone(),
            format!("{:?}", view.state).to_lowercase(),
            view.rows.to_string(),
            view.lag.to_string(),
            view.bytes.to_string(),
        ]);
    }
    format!("version {}\n{streams}\n{views}\n", status.version)
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).set_header(header.iter().copied());
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examination(error: Option<&str>) -> Examination {
        let view = ViewStatus {
            name: "public.v".to_owned(),
            state: if error.is_some() { ViewState::Failed } else { ViewState::Live },
            rows: 3,
            bytes: 4,
            lag: 0,
            progress: 1.0,
            error: error.map(str::to_owned),
        };
        let status = EngineStatus { version: "7".to_owned(), ticks: 1, streams: Vec::new(), views: vec![view] };
        Examination { status, sizes: vec![("log".to_owned(), 10)] }
    }

    #[test]
    fn says_sound_only_when_it_is() {
        assert!(text(&examination(None)).contains("sound:"));
        let broken = text(&examination(Some("checksum")));
        assert!(broken.contains("damaged: view public.v: checksum") && !broken.contains("sound:"), "{broken}");
        assert!(document(&examination(Some("checksum"))).contains("\"findings\":[\"view public.v: checksum\"]"));
    }
}
