//! Settled settings of the HTTP door, with their defaults and units. Read by every module here; filled in by the
//! command line, which owns flags, environment and files.

use std::net::SocketAddr;
use std::time::Duration;

use highwater_api::SqlLimits;

/// What the HTTP door allows and how long it waits. Every limit has a default fit for one machine.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Largest ingest body, in bytes, before and after decompression. Default 64 MiB.
    pub max_body_bytes: usize,
    /// Largest body of `POST /v1/sql`, in bytes, before and after decompression. Default 4 MiB.
    pub max_sql_bytes: usize,
    /// Largest answer that is collected before it is sent (`application/json`), in bytes. Default 256 MiB.
    /// The streamed forms have no such limit.
    pub max_json_answer_bytes: usize,
    /// Limits of one query. A request may ask for less, never for more.
    pub sql_limits: SqlLimits,
    /// Rows that `GET /v1/views/{view}` gives when the request names no limit. Default 1000.
    pub default_view_rows: u64,
    /// How long receiving a body, and then the engine's storing it, may take. Default 30 s each.
    pub request_timeout: Duration,
    /// How often a quiet subscription or socket is told that it is alive. Default 15 s.
    pub keep_alive: Duration,
    /// Most rows in one event of a subscription; larger snapshots and changes come in parts. Default 2000.
    pub max_event_rows: usize,
    /// Queries of live connections that run at once. Default: one for each processor, and at least 2.
    pub max_live_queries: usize,
    /// Subscriptions of one live connection. Default 200.
    pub max_live_subscriptions: usize,
    /// Origins whose pages may call this server, such as `https://ops.example.org`. Default none.
    pub cors_origins: Vec<String>,
    /// Ingest requests served at once; one more is answered 429. Default 256.
    pub max_concurrent_ingests: usize,
    /// Bytes all ingest bodies in flight may hold together, compressed and decompressed; beyond: 429. Default 512 MiB.
    pub max_ingest_memory_bytes: usize,
    /// What `Retry-After` says when this door, not the engine, is the bottleneck. Default 1 s.
    pub retry_after: Duration,
    /// Host names that requests may address; `None` allows any. Guards a loopback server against DNS rebinding.
    pub allowed_hosts: Option<Vec<String>>,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            max_body_bytes: 64 << 20,
            max_sql_bytes: 4 << 20,
            max_json_answer_bytes: 256 << 20,
            sql_limits: SqlLimits::default(),
            default_view_rows: 1000,
            request_timeout: Duration::from_secs(30),
            keep_alive: Duration::from_secs(15),
            max_event_rows: 2000,
            max_live_queries: std::thread::available_parallelism().map_or(2, usize::from).max(2),
            max_live_subscriptions: 200,
            cors_origins: Vec::new(),
            max_concurrent_ingests: 256,
            max_ingest_memory_bytes: 512 << 20,
            retry_after: Duration::from_secs(1),
            allowed_hosts: None,
        }
    }
}

impl ServerSettings {
    /// The defaults for a server bound to `address`: on a loopback address only loopback host names are served.
    #[must_use]
    pub fn for_address(address: SocketAddr) -> Self {
        let allowed_hosts =
            address.ip().is_loopback().then(|| ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec());
        Self { allowed_hosts, ..Self::default() }
    }
}
