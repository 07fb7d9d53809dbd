//! `POST /v1/snapshots`: a snapshot of the data folder, taken while it is served.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use highwater_api::SnapshotReport;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::app::App;
use crate::problem::Problem;
use crate::query::{Parameters, Params, filled};

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SnapshotQuery {
    /// What it is called: 1 to 64 letters, digits, `-` and `_`. It must be given.
    #[param(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-]+$", example = "before-upgrade")]
    name: Option<String>,
}

impl Parameters for SnapshotQuery {
    const NAMES: &'static str = "name";
}

/// A snapshot that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Snapshot)]
pub struct SnapshotDocument {
    /// The folder, on the machine of the server. It may be copied at leisure, and removed when it is not needed.
    #[schema(example = "highwater-data/snapshots/before-upgrade")]
    pub folder: String,
    /// How many files it holds.
    #[schema(minimum = 0)]
    pub files: u64,
    /// Their length together. Most are shared with the data folder and take no space of their own.
    #[schema(minimum = 0)]
    pub bytes: u64,
}

impl From<SnapshotReport> for SnapshotDocument {
    fn from(report: SnapshotReport) -> Self {
        let SnapshotReport { folder, files, bytes } = report;
        Self { folder, files, bytes }
    }
}

/// Takes a snapshot.
///
/// It holds what a power cut at that moment would have left, everything acknowledged before among it, in a folder below
/// the data folder. `highwater restore` makes a data folder of it, here or on another machine.
#[utoipa::path(
    post, path = "/v1/snapshots", operation_id = "takeSnapshot", tag = "operations",
    params(SnapshotQuery),
    responses((status = 201, description = "It is taken.", body = SnapshotDocument,
        example = json!({"folder": "highwater-data/snapshots/before-upgrade", "files": 12, "bytes": 73400320})))
)]
pub(crate) async fn snapshot(
    State(app): State<App>,
    Params(query): Params<SnapshotQuery>,
) -> Result<(StatusCode, Json<SnapshotDocument>), Problem> {
    let name = filled(query.name)
        .ok_or_else(|| Problem::invalid("a snapshot needs a name").with_hint("add ?name=before-upgrade"))?;
    let report = app.engine.snapshot(&name).await?;
    Ok((StatusCode::CREATED, Json(report.into())))
}
