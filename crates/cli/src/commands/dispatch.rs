//! From the command typed to the one that does it. Called by `main`.

use super::{bench, check, demo, doctor, ingest, jobs, publish, replay, settings, simulate, snapshot, sql, up};
use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::settings::Settings;

/// Carries out what was typed.
///
/// # Errors
/// Whatever ended the command early.
pub async fn run(arguments: Arguments, settings: Settings) -> Result<(), Failure> {
    match arguments.command {
        Command::Up(up) => up::run(&up, &settings).await,
        Command::Demo(demo) => demo::run(&demo, &settings).await,
        Command::Check(check) => check::run(&check, &settings).await,
        Command::Sql(sql) => sql::run(&sql, &settings).await,
        Command::Ingest(ingest) => ingest::run(&ingest, &settings).await,
        Command::ReplayRejects(rejects) => replay::run(&rejects, &settings).await,
        Command::Simulate(simulate) => simulate::run(&simulate, &settings).await,
        Command::Snapshot(taken) => snapshot::take(&taken, &settings).await,
        Command::Publish(published) => publish::run(&published, &settings).await,
        Command::Restore(restored) => snapshot::restore(&restored, &settings),
        Command::Doctor(doctor) => doctor::run(&doctor, &settings).await,
        Command::Audit(audit) => jobs::run("audit", &audit.job, &settings).await,
        Command::Recompute(recompute) => jobs::run("recompute", &recompute.job, &settings).await,
        Command::Bench(bench) => bench::run(&bench).await,
        Command::Settings => settings::run(&settings),
    }
}
