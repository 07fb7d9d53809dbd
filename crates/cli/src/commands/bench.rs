//! `highwater bench`: measurements of a server, printed as a table or JSON.

use highwater_bench::BenchArguments;

use crate::failure::Failure;

pub(super) async fn run(arguments: &BenchArguments) -> Result<(), Failure> {
    let executable =
        std::env::current_exe().map_err(|source| Failure::io("cannot find this binary, to start servers", source))?;
    let report = highwater_bench::run(arguments, &executable).await?;
    println!("{}", if arguments.json { report.json() } else { report.table() });
    Ok(())
}
