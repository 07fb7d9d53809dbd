//! The handshake of the live connection.

use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::Response;

use super::session::Session;
use crate::app::{App, Closing};
use crate::problem::{Problem, ProblemKind};

/// Largest message taken from a page, in bytes.
const MAX_MESSAGE: usize = 1 << 20;

/// Follows many views and queries over one WebSocket.
///
/// The messages of both sides are JSON objects; docs/http-api.md describes them. A page asks with `op` `view`, `query`,
/// `panel` or `choices` under an id of its choice and ends it with `close`; it is sent `snapshot`, `rows`, `changes`,
/// `answer`, `problem` and `ended` under that id, and `alive` every second. A reader that is slow is sent fewer, larger changes.
#[utoipa::path(get, path = "/v1/live", operation_id = "live", tag = "pages",
    responses((status = 101, description = "The connection speaks WebSocket from here on (RFC 6455).")))]
pub(crate) async fn live(
    State(app): State<App>,
    closing: Closing,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(ProblemKind::UpgradeRequired, format!("this is not a WebSocket handshake: {rejection}"))
            .with_hint("open it with a WebSocket client, or follow one view at /v1/views/{view}/changes")
    })?;
    Ok(upgrade
        .max_message_size(MAX_MESSAGE)
        .max_frame_size(MAX_MESSAGE)
        .on_upgrade(move |socket| Session::new(app, closing).run(socket)))
}
