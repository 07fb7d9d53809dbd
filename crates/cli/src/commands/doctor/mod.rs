//! `highwater doctor`: checks every byte of a data folder that nothing serves, says what is wrong, where, and what to do
//! next; with `--repair`, does it. Deletes nothing. Of a folder that is served it shows what its server tells.

mod document;
mod held;
mod repair;
mod run;
mod sizes;
#[cfg(test)]
mod tests;
mod text;

pub(super) use run::run;
