//! The command: where the statements come from. Called by `commands`.

use std::io::Read;

use highwater_client::Client;

use super::session::Session;
use super::statements::Splitter;
use crate::arguments::Sql;
use crate::failure::Failure;
use crate::settings::Settings;

pub(crate) async fn run(arguments: &Sql, settings: &Settings) -> Result<(), Failure> {
    let client = Client::new(&settings.to)?;
    let mut session = Session::new(client, arguments.schema.clone(), arguments.format, arguments.timing);
    let text = match (&arguments.command, &arguments.file) {
        (Some(sql), _) => sql.clone(),
        (None, Some(file)) if file.as_os_str() == "-" => standard_input()?,
        (None, Some(file)) => std::fs::read_to_string(file).map_err(|source| Failure::file("read", file, source))?,
        (None, None) if std::io::IsTerminal::is_terminal(&std::io::stdin()) => {
            return super::prompt::run(session).await;
        }
        (None, None) => standard_input()?,
    };
    run_all(&mut session, &text).await
}

/// Runs a text's statements one after the other; the first that fails ends it.
async fn run_all(session: &mut Session, text: &str) -> Result<(), Failure> {
    let mut splitter = Splitter::default();
    splitter.push(text);
    while let Some(statement) = splitter.next_statement() {
        session.run(&statement).await?;
    }
    if let Some(rest) = splitter.rest() {
        session.run(&rest).await?;
    }
    Ok(())
}

fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|source| Failure::io("cannot read standard input as UTF-8 text", source))?;
    Ok(text)
}
