//! A folder that is in use: who has it, and what its server tells of itself.

use std::path::Path;

use highwater_api::EngineStatus;
use highwater_client::Client;
use serde_json::json;

use super::text;
use crate::address;
use crate::failure::Failure;

/// Tells, and ends as a failure: nothing was checked.
pub(super) async fn tell(data: &Path, holder: &str, as_json: bool) -> Result<(), Failure> {
    let url = address::find(data, holder);
    let status = match &url {
        Some(url) => Some(status(url).await),
        None => None,
    };
    if as_json {
        let told = status.as_ref().and_then(|status| status.as_ref().ok());
        println!("{}", json!({"data": data, "sound": null, "held_by": holder, "url": url, "status": told}));
    } else {
        println!("{} is in use by {holder}", data.display());
        match (&url, &status) {
            (Some(url), Some(Ok(status))) => print!("it serves on {url} and says:\n{}", text::status(status)),
            (Some(url), Some(Err(failure))) => {
                println!("it serves on {url}, but does not answer: {}", failure.report())
            }
            _ => println!("it left no address; ask it at GET /v1/status if it is a server"),
        }
    }
    Err(Failure::Unsound(format!(
        "nothing was checked, since {} is in use by {holder}: stop it and run this again",
        data.display()
    )))
}

async fn status(url: &str) -> Result<EngineStatus, Failure> {
    let text = Client::new(url)?.text("v1/status").await?;
    serde_json::from_str(&text).map_err(|error| Failure::Answer(error.to_string()))
}
