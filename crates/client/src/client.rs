//! A connection pool to one server, and the plain requests: probes, metrics, anything read as text.

use std::time::Duration;

use reqwest::{RequestBuilder, Response, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{ClientError, Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One server. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
}

impl Client {
    /// A client of the server at an address such as `http://127.0.0.1:8080`. Connects when first used.
    ///
    /// # Errors
    /// When the address is not an `http://` URL.
    pub fn new(address: &str) -> Result<Self, ClientError> {
        let wrong = |reason: String| ClientError::Address { address: address.to_owned(), reason };
        let written = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let mut base = Url::parse(&written).map_err(|error| wrong(error.to_string()))?;
        if base.scheme() != "http" {
            return Err(wrong(format!("the scheme {}:// is not supported", base.scheme())));
        }
        if base.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no host".to_owned()));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(usize::MAX)
            .user_agent(concat!("highwater/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self { http, base })
    }

    /// The server's address, without a final slash.
    #[must_use]
    pub fn address(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether the server says that it is ready; `Ok(false)` while it starts.
    ///
    /// # Errors
    /// When nothing answers.
    pub async fn is_ready(&self) -> Result<bool, ClientError> {
        let response = self.http.get(self.url("readyz")?).send().await.map_err(|e| self.broken(e))?;
        Ok(response.status().is_success())
    }

    /// A resource as text, such as `metrics`.
    ///
    /// # Errors
    /// When the server refuses or cannot be reached.
    pub async fn text(&self, path: &str) -> Result<String, ClientError> {
        let response = self.send(self.http.get(self.url(path)?)).await?;
        response.text().await.map_err(|e| self.broken(e))
    }

    /// Posts JSON and reads JSON.
    ///
    /// # Errors
    /// When the server refuses, cannot be reached, or answers something else.
    pub async fn post_json<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T, ClientError> {
        let response = self.send(self.http.post(self.url(path)?).json(body)).await?;
        self.json(response).await
    }

    /// Reads JSON.
    ///
    /// # Errors
    /// As [`Client::post_json`].
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let response = self.send(self.http.get(self.url(path)?)).await?;
        self.json(response).await
    }

    /// Deletes; reads JSON.
    ///
    /// # Errors
    /// As [`Client::post_json`].
    pub async fn delete_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let response = self.send(self.http.delete(self.url(path)?)).await?;
        self.json(response).await
    }

    async fn json<T: DeserializeOwned>(&self, response: Response) -> Result<T, ClientError> {
        let body = response.bytes().await.map_err(|e| self.broken(e))?;
        serde_json::from_slice(&body).map_err(|error| ClientError::NotUnderstood {
            address: self.address().to_owned(),
            reason: error.to_string(),
        })
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A URL below the server's address.
    pub(crate) fn url(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|error| ClientError::Address {
            address: format!("{}{path}", self.base),
            reason: error.to_string(),
        })
    }

    /// Sends; anything but success becomes an error that carries what the server said.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let response = request.send().await.map_err(|e| self.broken(e))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(Duration::from_secs);
        let body = response.bytes().await.unwrap_or_default();
        Err(ClientError::Refused(Box::new(Problem::from_body(status, retry_after, &body))))
    }

    pub(crate) fn broken(&self, source: reqwest::Error) -> ClientError {
        let address = self.address().to_owned();
        if source.is_connect() {
            ClientError::Unreachable { address, source }
        } else {
            ClientError::Broken { address, source }
        }
    }
}
