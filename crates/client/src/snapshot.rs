//! Asking for a snapshot of the server's data folder.

use highwater_api::SnapshotReport;

use crate::{Client, ClientError};

impl Client {
    /// Takes a snapshot under a name; gives the folder on the server's machine.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn snapshot(&self, name: &str) -> Result<SnapshotReport, ClientError> {
        let mut url = self.url("v1/snapshots")?;
        url.query_pairs_mut().append_pair("name", name);
        let response = self.send(self.http().post(url).header("accept", "application/json")).await?;
        let body = response.bytes().await.map_err(|error| self.broken(error))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::NotUnderstood {
            address: self.address().to_owned(),
            reason: error.to_string(),
        })
    }
}
