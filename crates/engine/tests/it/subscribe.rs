//! Following a view: snapshot, changes, resumption.

use futures::StreamExt;
use highwater_api::{ChangeEvent, Engine, SubscribeRequest};

use crate::support::{STEPS, ingest, lines, open, sql, steps};

fn request(view: &str, filter: Option<&str>, resume_from: Option<String>) -> SubscribeRequest {
    SubscribeRequest { view: view.to_owned(), filter: filter.map(str::to_owned), resume_from }
}

#[tokio::test(flavor = "multi_thread")]
async fn snapshot_and_changes_add_up_to_the_view() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    ingest(&engine, "steps", &steps(0, 100)).await;
    let mut stream = engine.subscribe(request("daily_steps", None, None)).await.unwrap();
    let Some(Ok(ChangeEvent::Snapshot { rows, .. })) = stream.events.next().await else { panic!("no snapshot") };
    let mut held = lines(&rows);
    assert_eq!(held.len(), 97);
    for round in 1..20 {
        ingest(&engine, "steps", &steps(round * 100, 30)).await;
        let Some(Ok(ChangeEvent::Changes { removed, added, .. })) = stream.events.next().await else {
            panic!("no changes")
        };
        for gone in lines(&removed) {
            let at = held.iter().position(|row| *row == gone).unwrap();
            held.swap_remove(at);
        }
        held.extend(lines(&added));
    }
    held.sort_unstable();
    let mut now = sql(&engine, "SELECT * FROM daily_steps").await;
    now.sort_unstable();
    assert_eq!(held, now);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_resumes_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let engine = open(folder.path()).await;
    sql(&engine, STEPS).await;
    let mut stream = engine.subscribe(request("daily_steps", Some("uuid = 5"), None)).await.unwrap();
    assert!(matches!(stream.events.next().await, Some(Ok(ChangeEvent::Snapshot { .. }))));
    ingest(&engine, "steps", &steps(5, 1)).await;
    let Some(Ok(ChangeEvent::Changes { version, added, .. })) = stream.events.next().await else {
        panic!("no changes")
    };
    assert_eq!(lines(&added).len(), 1);
    drop(stream);
    ingest(&engine, "steps", &steps(5, 1)).await;
    ingest(&engine, "steps", &steps(6, 1)).await;
    let mut stream = engine.subscribe(request("daily_steps", Some("uuid = 5"), Some(version))).await.unwrap();
    let Some(Ok(ChangeEvent::Changes { removed, added, .. })) = stream.events.next().await else {
        panic!("no changes")
    };
    assert_eq!((lines(&removed).len(), lines(&added).len()), (1, 1));
    let mut unknown = engine.subscribe(request("daily_steps", None, Some("0-0-0".to_owned()))).await.unwrap();
    assert!(matches!(unknown.events.next().await, Some(Ok(ChangeEvent::Snapshot { .. }))));
}
