//! Replaying rejected records.

use highwater_api::{ReplayReport, ReplayRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Client, ClientError};

impl Client {
    /// Replays rejects. A reject becomes events at most once, so it may be asked again after any failure.
    ///
    /// # Errors
    /// When the server refuses, cannot be reached, or does not answer in time (it goes on then).
    pub async fn replay_rejects(&self, request: &ReplayRequest) -> Result<ReplayReport, ClientError> {
        let stream = utf8_percent_encode(&request.stream, NON_ALPHANUMERIC);
        let mut url = self.url(&format!("v1/streams/{stream}/rejects/replay"))?;
        if let Some(filter) = &request.filter {
            url.query_pairs_mut().append_pair("where", filter);
        }
        let response = self.send(self.http().post(url).header("accept", "application/json")).await?;
        let body = response.bytes().await.map_err(|error| self.broken(error))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::NotUnderstood {
            address: self.address().to_owned(),
            reason: error.to_string(),
        })
    }
}
