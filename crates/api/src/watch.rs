//! Watching a query: being told that its answer may have changed, without the answer itself. Live pages run a query
//! again when they are told, as often as they can use it; a reader that does not look costs nothing.

use std::pin::Pin;

use futures::Stream;

/// Asks to be told when the answer of one query may have changed.
#[derive(Clone, Debug, Default)]
pub struct WatchRequest {
    /// One query.
    pub sql: String,
    /// The schema in which unqualified names are looked up first; default `public`.
    pub schema: Option<String>,
}

/// An item for every change seen since the last one was taken, however many there were. It ends when what was created
/// or dropped may have given the query's names another meaning: watch again.
pub type Pulses = Pin<Box<dyn Stream<Item = ()> + Send>>;
