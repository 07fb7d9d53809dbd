//! The corpus runner itself, on a door that answers from memory.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use bytes::Bytes;
use highwater_api::BodyFormat;

use super::{Door, DoorError, IngestText, Outcome, render, run_file};

/// Knows one table; ingested records are counted.
struct Memory;

#[async_trait]
impl Door for Memory {
    async fn sql(&mut self, sql: &str) -> Result<Outcome, DoorError> {
        match sql {
            "SELECT * FROM t" => Ok(Outcome::Rows(vec![batch()])),
            "CREATE TABLE t" => Ok(Outcome::Done(0)),
            other => Err(DoorError(format!("not understood: {other}"))),
        }
    }

    async fn ingest(&mut self, ingest: IngestText) -> Result<u64, DoorError> {
        Ok(ingest.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64)
    }
}

fn batch() -> RecordBatch {
    let columns: [(&str, ArrayRef); 3] = [
        ("i", Arc::new(Int64Array::from(vec![Some(1), None]))),
        ("r", Arc::new(Float64Array::from(vec![1.0, f64::NAN]))),
        ("t", Arc::new(StringArray::from(vec!["", "two\nlines"]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

#[test]
fn rows_are_written_without_ambiguity() {
    assert_eq!(render::rows(&[batch()]).unwrap(), [["1", "1.0", "(empty)"], ["NULL", "NaN", "two\\nlines"]]);
}

async fn run(text: &str) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    run_file(file.path(), Memory).await.map_err(|error| error.0)
}

#[tokio::test]
async fn a_file_is_run_and_its_first_difference_told() {
    let good = "statement ok\nCREATE TABLE t\n\nstatement count 2\nINGEST s ndjson\n{}\n{}\n\nquery IRT\nSELECT * FROM t\n\
                ----\n1 1.0 (empty)\nNULL NaN two\\nlines\n\nstatement error not understood\nSELECT\n\n\
                skipif highwater\nquery I\nSELECT other\n----\n1\n";
    run(good).await.unwrap();
    let wrong = run(&good.replace("1 1.0", "2 1.0")).await.unwrap_err();
    assert!(wrong.contains("query result mismatch"), "{wrong}");
}

#[test]
fn ingest_is_read() {
    let read = |text: &str| IngestText::parse(text).unwrap();
    assert_eq!(
        read("INGEST app.s csv\na\n1").unwrap(),
        IngestText { stream: "app.s".to_owned(), format: BodyFormat::Csv, body: Bytes::from("a\n1") }
    );
    assert!(read("INGEST s").is_err() && read("INGEST s xml\n").is_err());
    assert!(IngestText::parse("INSERT INTO s VALUES (1)").is_none());
}
