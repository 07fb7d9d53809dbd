//! One user's session: runs a statement, prints its answer, minds the format and the clock. Ctrl-C cancels: the
//! connection is dropped, and with it the server's work.

use std::io::Write;
use std::time::Instant;

use highwater_client::{AnswerFormat, Body, Client, SqlCall, SqlResponse};

use super::print::{self, TableAnswer};
use crate::arguments::OutputFormat;
use crate::failure::Failure;

/// What stays the same from statement to statement.
pub(super) struct Session {
    client: Client,
    schema: Option<String>,
    /// How rows are printed.
    pub(super) format: OutputFormat,
    /// Whether times are printed.
    pub(super) timing: bool,
}

impl Session {
    pub(super) fn new(client: Client, schema: Option<String>, format: OutputFormat, timing: bool) -> Self {
        Self { client, schema, format, timing }
    }

    /// The server's address.
    pub(super) fn address(&self) -> &str {
        self.client.address()
    }

    /// Runs one statement and prints its answer.
    pub(super) async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        let started = Instant::now();
        let outcome = tokio::select! {
            outcome = self.answer(sql) => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::Answer("cancelled".to_owned())),
        };
        outcome?;
        if self.timing {
            eprintln!("Time: {:.1} ms", started.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(())
    }

    async fn answer(&self, sql: &str) -> Result<(), Failure> {
        let call = SqlCall { sql, schema: self.schema.as_deref() };
        let format = match self.format {
            OutputFormat::Table => AnswerFormat::Arrow,
            OutputFormat::Csv => AnswerFormat::Csv,
            OutputFormat::Json => AnswerFormat::Json,
            OutputFormat::Ndjson => AnswerFormat::NdJson,
        };
        match self.client.sql(&call, format).await? {
            SqlResponse::Rows(body) if self.format == OutputFormat::Table => {
                let answer = TableAnswer::read(&body.bytes().await?)?;
                print::to_stdout(answer.text()?.as_bytes())?;
            }
            SqlResponse::Rows(body) => copy(body).await?,
            SqlResponse::Done(done) => {
                for notice in &done.notices {
                    eprintln!("notice: {notice}");
                }
                match self.format {
                    OutputFormat::Table => println!("{}", done.tag),
                    // Whoever reads rows from stdout should not find anything else there.
                    _ => eprintln!("{}", done.tag),
                }
            }
        }
        Ok(())
    }
}

/// Passes an answer through as it comes.
async fn copy(mut body: Body) -> Result<(), Failure> {
    let mut ends_line = true;
    while let Some(chunk) = body.chunk().await? {
        if let Some(last) = chunk.last() {
            ends_line = *last == b'\n';
        }
        print::to_stdout(&chunk)?;
    }
    if !ends_line {
        print::to_stdout(b"\n")?;
    }
    std::io::stdout().flush().map_err(|source| Failure::io("cannot write to standard output", source))
}
