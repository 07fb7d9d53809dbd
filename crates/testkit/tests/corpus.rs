//! The SQL corpus and the tests of the bundled apps over HTTP against the real binary: once as it is, and once with a
//! kill -9 and a new start before every query.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use highwater_testkit::slt::{KillPolicy, ServerDoor, corpus_files, run_file};
use highwater_testkit::{ServerSettings, server_binary};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Files with the apps they need.
fn files() -> Vec<(PathBuf, Vec<String>)> {
    let language = corpus_files(&repository().join("crates/engine/tests/slt")).unwrap();
    let apps = ["letshang", "rankmysteps"].into_iter().flat_map(|app| {
        let files = corpus_files(&repository().join("apps").join(app).join("tests")).unwrap();
        files.into_iter().map(move |file| (file, vec![app.to_owned()]))
    });
    language.into_iter().map(|file| (file, Vec::new())).chain(apps).collect()
}

/// Runs every file on a server and a folder of its own; tells all that fail.
async fn run(policy: KillPolicy) {
    let mut failures = Vec::new();
    for (file, apps) in files() {
        let folder = tempfile::tempdir().unwrap();
        let settings = ServerSettings {
            binary: server_binary().unwrap(),
            data: folder.path().join("data"),
            apps,
            options: Vec::new(),
            log: folder.path().join("server.log"),
        };
        let outcome = match ServerDoor::start(settings.clone(), policy).await {
            Ok(door) => run_file(&file, door).await,
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            failures.push(format!("{}:\n{error}\nserver log:\n{}", file.display(), settings.log_end()));
        }
    }
    assert!(failures.is_empty(), "{} files fail:\n{}", failures.len(), failures.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http() {
    run(KillPolicy::Never).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http_with_a_kill_before_every_query() {
    run(KillPolicy::BeforeQueries).await;
}
