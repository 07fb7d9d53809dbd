//! The interactive prompt: statements over several lines until `;`, a history, and a few commands that begin with `\`.

use clap::ValueEnum;
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::history;
use super::session::Session;
use super::statements::Splitter;
use crate::arguments::OutputFormat;
use crate::failure::Failure;

const HELP: &str = "\
Statements end with ; and may take several lines. Ctrl-C cancels what runs or is typed, Ctrl-D leaves.
  \\d            streams, tables and views
  \\d NAME       columns of one
  \\format NAME  how rows are printed: table, csv, json, ndjson
  \\timing       print how long statements take, or not
  \\q            leave";

/// What the user wants after a line.
enum Next {
    GoOn,
    Leave,
}

/// Runs until the user leaves.
pub(super) async fn run(mut session: Session) -> Result<(), Failure> {
    let mut editor = DefaultEditor::new().map_err(prompt_failure)?;
    let history = history::file();
    if let Some(file) = &history {
        // There is none the first time.
        let _ = editor.load_history(file);
    }
    println!("highwater at {}. \\? for help.", session.address());
    let mut splitter = Splitter::default();
    loop {
        let prompt = if splitter.is_blank() { "highwater> " } else { "        -> " };
        // Waiting for a key must not hold up the connection's tasks.
        let reading = tokio::task::spawn_blocking(move || {
            let line = editor.readline(prompt);
            (editor, line)
        });
        let (back, line) = reading.await.map_err(|e| Failure::io("the prompt ended", std::io::Error::other(e)))?;
        editor = back;
        match line {
            Ok(line) => {
                if !line.trim().is_empty() {
                    let _ = editor.add_history_entry(line.as_str());
                }
                if matches!(line_entered(&mut session, &mut splitter, &line).await, Next::Leave) {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => splitter.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(prompt_failure(error)),
        }
    }
    if let Some(file) = &history
        && let Err(error) = editor.save_history(file)
    {
        tracing::warn!(%error, file = %file.display(), "the history could not be saved");
    }
    Ok(())
}

async fn line_entered(session: &mut Session, splitter: &mut Splitter, line: &str) -> Next {
    if splitter.is_blank() && line.trim_start().starts_with('\\') {
        splitter.clear();
        return command(session, line.trim()).await;
    }
    splitter.push(line);
    splitter.push("\n");
    while let Some(statement) = splitter.next_statement() {
        run_shown(session, statement.trim_start_matches('\n')).await;
    }
    if splitter.is_blank() {
        splitter.clear();
    }
    Next::GoOn
}

async fn command(session: &mut Session, line: &str) -> Next {
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match (name, argument.trim().trim_end_matches(';')) {
        ("\\q", _) => return Next::Leave,
        ("\\?" | "\\h" | "\\help", _) => println!("{HELP}"),
        ("\\timing", _) => {
            session.timing = !session.timing;
            println!("Timing is {}.", if session.timing { "on" } else { "off" });
        }
        ("\\format", written) => match OutputFormat::from_str(written, true) {
            Ok(format) => session.format = format,
            Err(_) => println!("\"{written}\" is no format; there are table, csv, json and ndjson."),
        },
        ("\\d", "") => {
            for what in ["STREAMS", "TABLES", "MATERIALIZED VIEWS", "VIEWS"] {
                println!("{}:", what.to_lowercase());
                run_shown(session, &format!("SHOW {what}")).await;
            }
        }
        ("\\d", name) => run_shown(session, &format!("DESCRIBE {name}")).await,
        (unknown, _) => println!("There is no command {unknown}.\n{HELP}"),
    }
    Next::GoOn
}

/// Runs a statement; an error is shown and the session goes on.
async fn run_shown(session: &mut Session, sql: &str) {
    if let Err(failure) = session.run(sql).await {
        eprintln!("{}", failure.report());
    }
}

fn prompt_failure(error: ReadlineError) -> Failure {
    Failure::io("the prompt does not work here", std::io::Error::other(error))
}
