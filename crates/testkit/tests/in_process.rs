//! The SQL corpus against an engine in this process, with one, two and four threads: the answers are the same.

#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use highwater_engine::{EngineSettings, Highwater};
use highwater_model::SystemClock;
use highwater_testkit::slt::{EngineDoor, corpus_files, run_file};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_number_of_threads() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/slt");
    let mut failures = Vec::new();
    for file in corpus_files(&corpus).unwrap() {
        for threads in [1, 2, 4] {
            let folder = tempfile::tempdir().unwrap();
            let settings = EngineSettings { threads, ..EngineSettings::new(folder.path()) };
            let engine = Highwater::open(settings, Arc::new(SystemClock)).await.unwrap();
            engine.caught_up().await;
            if let Err(error) = run_file(&file, EngineDoor::new(Arc::new(engine))).await {
                failures.push(format!("{} with {threads} threads:\n{error}", file.display()));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "{} files fail:\n{}", failures.len(), failures.join("\n\n"));
}
