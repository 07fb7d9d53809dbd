//! The command: which stream, which format, whose batches. Called by `commands`.

use std::path::Path;

use highwater_api::BodyFormat;
use highwater_client::Client;

use super::identity::Identity;
use super::send::Sender;
use super::size::BatchLimit;
use super::source::Source;
use crate::apps::all_apps;
use crate::arguments::{Ingest, InputFormat};
use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) async fn run(arguments: &Ingest, settings: &Settings) -> Result<(), Failure> {
    let client = Client::new(&settings.to)?;
    let source = Source::of(&arguments.file);
    let stream = stream_name(arguments, settings)?;
    let asked_limit = arguments.batch.as_deref().map(str::parse::<BatchLimit>).transpose().map_err(Failure::Usage)?;
    let asked = arguments.format.map(body_format);
    let format = match asked {
        Some(format) => format,
        None => source.guess_format()?,
    };
    let identity = if arguments.no_dedup {
        None
    } else if let Some(producer) = &arguments.producer {
        Some(Identity::named(producer, arguments.start_sequence)?)
    } else {
        Some(Identity::of_content(&source, format)?)
    };
    let by_content = !arguments.no_dedup && arguments.producer.is_none() && !source.is_standard_input();
    let limit = match asked_limit {
        Some(_) if by_content => {
            eprintln!(
                "note: --batch is not used: {} is known by its content and cut alike each time, so that it is stored once; \
                 with --no-dedup or --producer it is cut as you say",
                shown(&arguments.file)
            );
            BatchLimit::FIXED
        }
        Some(limit) => limit,
        None => BatchLimit::FIXED,
    };
    let sender = Sender { client, stream, format, limit, identity, wait: arguments.wait, quiet: arguments.quiet };
    sender.run(source).await?.conclude()
}

/// The stream named, or the one that an app gives files of this name.
fn stream_name(arguments: &Ingest, settings: &Settings) -> Result<String, Failure> {
    if let Some(stream) = &arguments.stream {
        return Ok(stream.clone());
    }
    let name = arguments.file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    for app in all_apps(&settings.apps)? {
        if let Some(rule) = app.manifest.files.iter().find(|rule| rule.matches(name)) {
            return Ok(format!("{}.{}", app.name, rule.stream));
        }
    }
    Err(Failure::Usage(format!(
        "which stream is {} for? Name it with --stream, such as --stream rankmysteps.steps",
        shown(&arguments.file)
    )))
}

fn body_format(format: InputFormat) -> BodyFormat {
    match format {
        InputFormat::Ndjson => BodyFormat::NdJson,
        InputFormat::Json => BodyFormat::Json,
        InputFormat::Csv => BodyFormat::Csv,
        InputFormat::Text => BodyFormat::Text,
    }
}

/// How a file is called in messages.
pub(super) fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}
