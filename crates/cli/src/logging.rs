//! Where log lines go: stderr, for people by default, as JSON on request. Filtered like `RUST_LOG`.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::failure::Failure;
use crate::settings::{LogFormat, Settings};

/// Libraries that say, as errors even, what only they care about; what fails comes back to us and is told once. They are
/// heard when the setting names them.
const QUIET: &str = "buoyant_kernel=off,buoyant_kernel_engine=off,deltalake_core=error";

/// Starts logging; called once.
///
/// # Errors
/// When the filter is not understood.
pub fn start(settings: &Settings) -> Result<(), Failure> {
    let directives = format!("{QUIET},{}", settings.log);
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).parse(directives);
    let filter = filter.map_err(|error| {
        Failure::Usage(format!(
            "log filter \"{}\" is not understood ({error}); write one such as info or highwater=debug,warn",
            settings.log
        ))
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    // Fails only when logging was started before, which is as good.
    let _ = match settings.log_format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().try_init(),
    };
    Ok(())
}
