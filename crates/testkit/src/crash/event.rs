//! The events of a lane: batch `seq` of a producer always holds the same records, so that it can be sent again and its
//! contents be computed without asking anybody.

use std::fmt::Write;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Largest batch, in records.
const LARGEST_BATCH: u64 = 12;
/// Keys of `events`.
const KEYS: u64 = 1000;
/// Keys of `accounts`.
const ACCOUNTS: u64 = 100;

/// Which stream a lane feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The append-only stream.
    Events,
    /// The keyed stream, with versions that also go backwards.
    Accounts,
}

impl Target {
    /// The stream's name.
    pub(super) fn stream(self) -> &'static str {
        match self {
            Self::Events => "crashtest.events",
            Self::Accounts => "crashtest.accounts",
        }
    }

    /// All its messages, as SQL names them.
    pub(super) fn messages(self) -> &'static str {
        match self {
            Self::Events => "crashtest.events",
            Self::Accounts => "HISTORY(crashtest.accounts)",
        }
    }
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// `key` or `account`.
    pub key: u64,
    /// `amount` or `balance`.
    pub amount: i64,
    /// `version`, of accounts.
    pub version: u64,
}

/// The records of batch `seq` of a producer.
pub(super) fn records(seed: u64, producer: u64, target: Target, seq: u64) -> Vec<Record> {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ (producer << 48) ^ seq.wrapping_mul(0x9e37_79b9));
    let size = random.random_range(1..=LARGEST_BATCH);
    let keys = match target {
        Target::Events => KEYS,
        Target::Accounts => ACCOUNTS,
    };
    (0..size)
        .map(|_| Record {
            key: random.random_range(0..keys),
            amount: random.random_range(-1000..=1000),
            version: seq * 10 + random.random_range(0..40),
        })
        .collect()
}

/// The same as a request's body.
pub(super) fn body(seed: u64, producer: u64, target: Target, seq: u64) -> String {
    let records = records(seed, producer, target, seq);
    let size = records.len();
    let mut body = String::new();
    for (item, Record { key, amount, version }) in records.into_iter().enumerate() {
        let common = format!("\"producer\":{producer},\"seq\":{seq},\"item\":{item},\"size\":{size}");
        // Writing to a `String` cannot fail.
        let _ = match target {
            Target::Events => writeln!(body, "{{{common},\"key\":{key},\"amount\":{amount}}}"),
            Target::Accounts => {
                writeln!(body, "{{{common},\"account\":{key},\"version\":{version},\"balance\":{amount}}}")
            }
        };
    }
    body
}
