//! The app that the harness loads: an append-only stream, a keyed stream, and views that aggregate, build on each other and
//! need retractions.

use std::path::{Path, PathBuf};

use crate::TestkitError;

/// The app's folder, and so its schema.
pub(super) const SCHEMA: &str = "crashtest";

const SQL: &str = "\
-- The app of the crash harness; running it again changes nothing. The log lets go of whatever is archived.
CREATE STREAM IF NOT EXISTS events (
  producer BIGINT NOT NULL, seq BIGINT NOT NULL, item BIGINT NOT NULL, size BIGINT NOT NULL,
  key BIGINT NOT NULL, amount BIGINT NOT NULL
) WITH (partition_by = 'key', partitions = 4, format = 'json', retention_bytes = '1');

CREATE STREAM IF NOT EXISTS accounts (
  account BIGINT PRIMARY KEY, version BIGINT NOT NULL, producer BIGINT NOT NULL, seq BIGINT NOT NULL,
  item BIGINT NOT NULL, size BIGINT NOT NULL, balance BIGINT NOT NULL
) WITH (version = 'version', partitions = 2, format = 'json', retention_bytes = '1');

CREATE MATERIALIZED VIEW IF NOT EXISTS per_key AS
SELECT key, count(*) AS n, sum(amount) AS total, min(amount) AS least, max(amount) AS most,
  count(DISTINCT producer) AS producers
FROM events GROUP BY key;

CREATE MATERIALIZED VIEW IF NOT EXISTS per_bucket AS
SELECT key % 10 AS bucket, count(*) AS keys, sum(n) AS n, max(total) AS largest
FROM per_key GROUP BY key % 10;

CREATE MATERIALIZED VIEW IF NOT EXISTS per_shard AS
SELECT account % 7 AS shard, count(*) AS accounts, sum(balance) AS balance, min(version) AS oldest
FROM accounts GROUP BY account % 7;

CREATE MATERIALIZED VIEW IF NOT EXISTS variant AS
SELECT key % 5 AS remainder, 0 AS definition, sum(amount) + 0 AS total FROM events GROUP BY key % 5;
";

/// The view that is replaced by other definitions of itself.
pub(super) const VARIANT: &str = "crashtest.variant";

/// The statement that gives it another definition.
pub(super) fn replacement(definition: u64) -> String {
    format!(
        "CREATE OR REPLACE MATERIALIZED VIEW {VARIANT} AS SELECT key % 5 AS remainder, {definition} AS definition, \
         sum(amount) + {definition} AS total FROM crashtest.events GROUP BY key % 5"
    )
}

/// A query that answers the groups in which the replaced view is not what its definition says: none, if all is well.
pub(super) fn variant_differences() -> String {
    format!(
        "SELECT live.*, batch.total AS batch_total FROM {VARIANT} AS live FULL OUTER JOIN \
         (SELECT key % 5 AS remainder, sum(amount) AS total FROM crashtest.events GROUP BY key % 5) AS batch \
         ON live.remainder = batch.remainder WHERE live.total IS DISTINCT FROM batch.total + live.definition"
    )
}

/// Writes the app into a folder of its own below `folder`.
pub(super) fn write(folder: &Path) -> Result<PathBuf, TestkitError> {
    let app = folder.join(SCHEMA);
    std::fs::create_dir_all(&app).map_err(TestkitError::io("making the app's folder"))?;
    std::fs::write(app.join("app.sql"), SQL).map_err(TestkitError::io("writing the app"))?;
    Ok(app)
}

/// A view's SQL over the stream itself, for the batch path: name, key columns, value columns, query.
pub(super) const RECOUNTS: &[Recount] = &[
    Recount {
        view: "per_key",
        key: "key",
        values: &["n", "total", "least", "most", "producers"],
        sql: "SELECT key, count(*) AS n, sum(amount) AS total, min(amount) AS least, max(amount) AS most, \
              count(DISTINCT producer) AS producers FROM crashtest.events GROUP BY key",
    },
    Recount {
        view: "per_bucket",
        key: "bucket",
        values: &["keys", "n", "largest"],
        sql: "SELECT key % 10 AS bucket, count(*) AS keys, sum(n) AS n, max(total) AS largest FROM \
              (SELECT key, count(*) AS n, sum(amount) AS total FROM crashtest.events GROUP BY key) AS k \
              GROUP BY key % 10",
    },
    Recount {
        view: "per_shard",
        key: "shard",
        values: &["accounts", "balance", "oldest"],
        sql: "SELECT account % 7 AS shard, count(*) AS accounts, sum(balance) AS balance, min(version) AS oldest FROM \
              (SELECT account, version, balance, row_number() OVER (PARTITION BY account \
              ORDER BY version DESC, _offset DESC) AS place FROM HISTORY(crashtest.accounts)) AS h \
              WHERE place = 1 GROUP BY account % 7",
    },
];

/// How a view is computed again from the stream.
#[derive(Debug)]
pub(super) struct Recount {
    /// The view.
    pub view: &'static str,
    /// Its key.
    pub key: &'static str,
    /// Its other columns.
    pub values: &'static [&'static str],
    /// The same from the stream.
    pub sql: &'static str,
}

impl Recount {
    /// A query that answers the rows in which view and recount differ, read at one version: none, if all is well.
    pub(super) fn differences(&self) -> String {
        self.compared(&format!("{SCHEMA}.{}", self.view), self.sql)
    }

    /// The same for the view's batch result, whose mark says which records count: offsets by stream and partition.
    pub(super) fn differences_at(&self, mark: &str) -> String {
        let mut sql = self.sql.to_owned();
        for stream in mark.split(';') {
            let Some((name, offsets)) = stream.trim().split_once(' ') else { continue };
            let below: Vec<String> = (offsets.split(',').enumerate())
                .map(|(partition, offset)| format!("(_partition = {partition} AND _offset < {offset})"))
                .collect();
            for messages in [format!("HISTORY({name})"), name.to_owned()] {
                let counted = format!("FROM (SELECT * FROM {messages} WHERE {}) AS m", below.join(" OR "));
                let replaced = sql.replacen(&format!("FROM {messages}"), &counted, 1);
                if replaced != sql {
                    sql = replaced;
                    break;
                }
            }
        }
        self.compared(&format!("{SCHEMA}.{} FOR SYSTEM_TIME AS OF MARK", self.view), &sql)
    }

    fn compared(&self, view: &str, sql: &str) -> String {
        let differ: Vec<String> =
            self.values.iter().map(|column| format!("(live.{column} IS DISTINCT FROM batch.{column})")).collect();
        let shown: Vec<String> = self
            .values
            .iter()
            .map(|column| format!("live.{column} AS live_{column}, batch.{column} AS batch_{column}"))
            .collect();
        format!(
            "SELECT live.{key} AS live_key, batch.{key} AS batch_key, {shown} FROM {view} AS live \
             FULL OUTER JOIN ({sql}) AS batch ON live.{key} = batch.{key} WHERE {differ} LIMIT 20",
            key = self.key,
            shown = shown.join(", "),
            differ = differ.join(" OR "),
        )
    }
}
