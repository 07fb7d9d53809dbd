//! `GET /v1/live`: one WebSocket over which a page follows everything it shows: views change by change, queries and
//! panels answer by answer.

mod handler;
mod heartbeat;
mod message;
mod question;
mod session;

pub(crate) use handler::{__path_live, live};
pub(crate) use question::{Asked, answered};
