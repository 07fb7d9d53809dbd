//! `highwater sql`: statements from the command line, a file, or typed; answers as a table or as the server writes them.

mod history;
mod print;
mod prompt;
mod run;
mod session;
mod statements;

pub(super) use run::run;
