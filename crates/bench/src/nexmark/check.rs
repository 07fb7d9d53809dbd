//! Whether a view equals its SQL evaluated as one batch: compared by number of rows and by the sum of their hashes, so
//! that no result has to be held in memory.

use highwater_client::Client;

use crate::BenchError;

/// Rows, without their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    pub(crate) rows: u64,
    /// The sum of the rows' 64 bit hashes.
    hashes: String,
}

/// The fingerprint of the rows of `relation`: a name, or a query in parentheses. `columns` are its columns.
pub(crate) async fn fingerprint(
    client: &Client,
    relation: &str,
    columns: &[String],
) -> Result<Fingerprint, BenchError> {
    let cells: Vec<String> =
        columns.iter().map(|column| format!("coalesce(CAST({column} AS TEXT), '\u{1}')")).collect();
    let row = format!("concat_ws('\u{2}', {})", cells.join(", "));
    let sql = format!(
        "SELECT count(*) AS n, CAST(sum(CAST(xxh64({row}) AS DECIMAL(38, 0))) AS TEXT) AS hashes FROM {relation} r"
    );
    let rows = client.rows(&sql).await?;
    let row = rows.first().ok_or_else(|| BenchError::Gave("a count gave no row".to_owned()))?;
    let text = |name: &str| row.get(name).and_then(|value| value.as_str()).unwrap_or("none").to_owned();
    let n = row.get("n").and_then(|value| value.as_u64()).unwrap_or_default();
    Ok(Fingerprint { rows: n, hashes: text("hashes") })
}

/// The columns of a view.
pub(crate) async fn columns(client: &Client, view: &str) -> Result<Vec<String>, BenchError> {
    let rows = client.rows(&format!("SHOW COLUMNS FROM {view}")).await?;
    let name = |row: &serde_json::Map<String, serde_json::Value>| {
        row.values().next().and_then(|value| value.as_str()).map(str::to_owned)
    };
    Ok(rows.iter().filter_map(name).collect())
}
