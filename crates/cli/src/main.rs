//! The binary `highwater`: reads arguments and settings, starts what was asked for, turns its end into an exit code.
//! What a command does lives in `commands`; how engine and server are put together in `serve`.

mod address;
mod apps;
mod arguments;
mod commands;
mod failure;
mod logging;
#[cfg(test)]
mod recorder;
mod serve;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::settings::Settings;

/// Batches are allocated on one thread and freed on another all day long; this allocator is made for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// More threads than cores: while some take in large requests, another answers small ones.
const RUNTIME_THREADS_PER_CORE: usize = 2;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{}", failure.report());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let settings = Settings::gather(&arguments.flags(), std::env::vars().collect())?;
    logging::start(&settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(RUNTIME_THREADS_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from))
        .enable_all()
        .build()
        .map_err(|source| Failure::io("cannot start the worker threads", source))?;
    let outcome = runtime.block_on(commands::run(arguments, settings));
    // A prompt may still wait for a line of input; it must not keep the process.
    runtime.shutdown_background();
    outcome
}
