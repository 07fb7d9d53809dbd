//! The queries, and what each reads. In `sql/` they stand in our dialect; where the original leaves open which of several
//! equal rows comes first, more columns settle it, so that every evaluation gives the same rows.

use super::events::Kind;

/// One query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query {
    pub(crate) name: &'static str,
    /// What it asks.
    pub(crate) about: &'static str,
    pub(crate) sql: &'static str,
    /// The streams it reads.
    pub(crate) reads: &'static [Kind],
}

/// Declares the streams.
pub(crate) const STREAMS: &str = include_str!("sql/streams.sql");

/// Declares the table that q13 looks up, the original's side input.
pub(crate) const SIDE_INPUT: &str = "CREATE TABLE nexmark.side_input (key BIGINT PRIMARY KEY, value TEXT)";

/// Keys of the side input: from 0 up to this.
pub(crate) const SIDE_INPUT_KEYS: usize = 10_000;

const BID: &[Kind] = &[Kind::Bid];
const AUCTION_BID: &[Kind] = &[Kind::Auction, Kind::Bid];
const PERSON_AUCTION: &[Kind] = &[Kind::Person, Kind::Auction];

macro_rules! query {
    ($name:literal, $reads:expr, $about:literal) => {
        Query { name: $name, about: $about, sql: include_str!(concat!("sql/", $name, ".sql")), reads: $reads }
    };
}

/// All of them, in order.
pub(crate) const QUERIES: [Query; 23] = [
    query!("q0", BID, "pass through"),
    query!("q1", BID, "currency conversion"),
    query!("q2", BID, "selection"),
    query!("q3", PERSON_AUCTION, "local item suggestion: join with filters"),
    query!("q4", AUCTION_BID, "average of the winning bids of each category"),
    query!("q5", BID, "hottest auctions of a hopping window"),
    query!("q6", AUCTION_BID, "average of a seller's last winning bids"),
    query!("q7", BID, "highest bids of a tumbling window"),
    query!("q8", PERSON_AUCTION, "new people who open auctions: windowed join"),
    query!("q9", AUCTION_BID, "winning bids"),
    query!("q10", BID, "every bid with its day and minute"),
    query!("q11", BID, "bids of each user session"),
    query!("q12", BID, "bids of each user in windows of arrival"),
    query!("q13", BID, "join with a side input"),
    query!("q14", BID, "calculation, CASE, a function of text"),
    query!("q15", BID, "distinct bidders and auctions of each day"),
    query!("q16", BID, "the same of each channel and day"),
    query!("q17", BID, "statistics of each auction and day"),
    query!("q18", BID, "a bidder's last bid on an auction"),
    query!("q19", BID, "ten highest bids of each auction"),
    query!("q20", AUCTION_BID, "bids with their auction: filter on a join"),
    query!("q21", BID, "channel id by regular expression"),
    query!("q22", BID, "parts of a URL"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_query_reads_the_streams_its_text_names() {
        for query in QUERIES {
            let names = |kind: Kind| query.sql.split(|c: char| !c.is_alphanumeric()).any(|word| word == kind.name());
            for kind in Kind::ALL {
                // `auction` is a column of bids too.
                let is_read = query.reads.contains(&kind);
                assert!(names(kind) >= is_read, "{} does not name {}", query.name, kind.name());
            }
        }
    }
}
