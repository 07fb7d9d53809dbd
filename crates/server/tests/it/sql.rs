//! `POST /v1/sql`: forms, limits, errors before and after the first rows, cancelling.

use std::io::Cursor;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use highwater_server::{DoneDocument, RowsDocument, SqlBody};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

use crate::engine::numbers;
use crate::harness::{Server, problem, rest, send, told, within};

const ARROW: &str = "application/vnd.apache.arrow.stream";

#[tokio::test]
async fn json_has_schema_rows_and_version() {
    let server = Server::start().await;
    let response = send("sql", server.sql("rows 3")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["highwater-version"], "7-a1");
    let rows: RowsDocument = response.json().await.unwrap();
    assert_eq!(rows.version, "7-a1");
    let columns: Vec<_> = rows.schema.iter().map(|c| (c.name.as_str(), c.sql_type.as_str(), c.nullable)).collect();
    assert_eq!(columns, [("n", "BIGINT", false), ("name", "TEXT", true)]);
    let expected = json!([{"n": 0, "name": "name 0"}, {"n": 1, "name": null}, {"n": 2, "name": "name 2"}]);
    assert_eq!(serde_json::to_value(&rows.rows).unwrap(), expected);

    let none: RowsDocument = send("sql", server.sql("rows 0")).await.json().await.unwrap();
    assert_eq!((none.schema.len(), none.rows.len()), (2, 0));
    let many: RowsDocument = send("sql", server.sql("rows 5000")).await.json().await.unwrap();
    assert_eq!(
        many.rows.iter().map(|row| row["n"].as_i64().unwrap()).collect::<Vec<_>>(),
        (0..5000).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn every_type_has_one_way_to_be_written() {
    let server = Server::start().await;
    let rows: RowsDocument = send("sql", server.sql("types")).await.json().await.unwrap();
    let types: Vec<&str> = rows.schema.iter().map(|column| column.sql_type.as_str()).collect();
    let expected =
        ["BIGINT", "BOOLEAN", "DOUBLE", "TEXT", "DATE", "TIMESTAMPTZ", "TIMESTAMP", "DECIMAL(10, 2)", "BIGINT[]"];
    assert_eq!(types[..9], expected);
    assert_eq!(types[9], "STRUCT<lat DOUBLE, name TEXT>");
    let first = json!({
        "big": 9_007_199_254_740_993_i64, "flag": true, "real": null, "text": "comma, \"quote\"\nline",
        "day": "2016-02-02", "at": "2016-02-02T18:41:39Z", "local": "2016-02-02T18:41:39", "money": 12.50,
        "list": [1, null, 3], "venue": {"lat": 52.5, "name": "a \"b\""},
    });
    assert_eq!(Value::Object(rows.rows[0].clone()), first);
    let nulls = rows.rows[1].iter().filter(|(name, _)| *name != "venue");
    assert!(nulls.clone().count() == 9 && nulls.clone().all(|(_, value)| value.is_null()), "{:?}", rows.rows[1]);

    let csv = send("sql", server.sql("types").header("accept", "text/csv")).await.text().await.unwrap();
    let expected = "big,flag,real,text,day,at,local,money,list,venue\r\n\
        9007199254740993,true,NaN,\"comma, \"\"quote\"\"\nline\",2016-02-02,2016-02-02T18:41:39Z,2016-02-02T18:41:39,12.50,\
        \"[1,null,3]\",\"{\"\"lat\"\":52.5,\"\"name\"\":\"\"a \\\"\"b\\\"\"\"\"}\"\r\n\
        ,,,,,,,,,\"{\"\"lat\"\":0.0,\"\"name\"\":null}\"\r\n";
    assert_eq!(csv, expected);
}

#[tokio::test]
async fn ndjson_csv_and_arrow_are_streamed() {
    let server = Server::start().await;
    let lines = send("sql", server.sql("rows 5000").header("accept", "application/x-ndjson")).await;
    assert_eq!(lines.headers()["content-type"], "application/x-ndjson");
    assert!(lines.content_length().is_none());
    let lines = lines.text().await.unwrap();
    assert_eq!(lines.lines().count(), 5000);
    assert_eq!(lines.lines().nth(1), Some("{\"n\":1,\"name\":null}"));

    let csv = send("sql", server.sql("rows 2").header("accept", "text/csv")).await.text().await.unwrap();
    assert_eq!(csv, "n,name\r\n0,name 0\r\n1,\r\n");
    let csv = send("sql", server.sql("rows 0").header("accept", "text/csv")).await.text().await.unwrap();
    assert_eq!(csv, "n,name\r\n");

    let arrow = send("sql", server.sql("rows 5000").header("accept", ARROW)).await;
    assert_eq!(arrow.headers()["content-type"], ARROW);
    let reader = StreamReader::try_new(Cursor::new(arrow.bytes().await.unwrap()), None).unwrap();
    let batches: Vec<RecordBatch> = reader.collect::<Result<_, _>>().unwrap();
    let sizes: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!((sizes, batches[0].slice(0, 3)), (5000, numbers(0, 3)));
}

#[tokio::test]
async fn commands_answer_json_whatever_is_accepted() {
    let server = Server::start().await;
    for accept in ["application/json", "text/csv"] {
        let response = send("sql", server.sql("insert 3").header("accept", accept)).await;
        let done: DoneDocument = response.json().await.unwrap();
        assert_eq!((done.tag.as_str(), done.rows, done.notices[0].as_str()), ("INSERT 3", 3, "noted"));
    }
    assert_eq!(problem("sql", server.sql("rows 1").header("accept", "text/html")).await.status, 406);
    assert_eq!(server.engine.statements.lock().unwrap().len(), 2, "nothing ran without a form to answer in");
}

#[tokio::test]
async fn options_narrow_the_limits_and_never_widen_them() {
    let server = Server::with(|settings| settings.sql_limits.timeout = Duration::from_secs(10)).await;
    let body = SqlBody {
        sql: "rows 1".to_owned(),
        schema: Some("rankmysteps".to_owned()),
        timeout_ms: Some(2500),
        max_rows: Some(7),
        read_only: true,
    };
    assert_eq!(send("sql", server.post("/v1/sql").json(&body)).await.status(), 200);
    let wide = json!({"sql": "rows 1", "timeout_ms": 3_600_000});
    assert_eq!(send("sql", server.post("/v1/sql").json(&wide)).await.status(), 200);
    let statements = server.engine.statements.lock().unwrap();
    let limits = statements[0].limits;
    assert_eq!((limits.timeout, limits.max_rows), (Duration::from_millis(2500), 7));
    assert_eq!((statements[0].schema.as_deref(), statements[0].read_only), (Some("rankmysteps"), true));
    assert_eq!((statements[1].limits.timeout, statements[1].read_only), (Duration::from_secs(10), false));
}

#[tokio::test]
async fn bad_requests_say_what_to_send() {
    let server = Server::with(|settings| settings.max_sql_bytes = 10_000).await;
    let bodies: [&[u8]; 9] = [
        b"",
        b"{",
        b"[]",
        b"{\"sql\": 1}",
        b"{}",
        b"{\"sql\": \"rows 1\", \"max_row\": 1}",
        b"{\"sql\": \"  \"}",
        b"{\"sql\": \"rows 1\", \"max_rows\": 0}",
        b"{\"sql\": \"\xff\"}",
    ];
    for body in bodies {
        let request = server.post("/v1/sql").header("content-type", "application/json").body(body.to_vec());
        let found = problem("sql", request).await;
        assert!(found.status == 400 && found.hint.is_some(), "{}", String::from_utf8_lossy(body));
    }
    let text = |body: Vec<u8>| server.post("/v1/sql").header("content-type", "text/plain").body(body);
    assert_eq!(problem("sql", text(b"rows \xff".to_vec())).await.status, 400);
    assert_eq!(problem("sql", text(vec![b' '; 10_001])).await.status, 413);
    assert_eq!(problem("sql", server.post("/v1/sql").body("rows 1")).await.status, 415);
    let form = server.post("/v1/sql").header("content-type", "application/x-www-form-urlencoded").body("rows 1");
    assert_eq!(problem("sql", form).await.status, 415);

    let found = problem("sql", server.sql("diagnose")).await;
    let finding = &found.diagnostics[0];
    assert_eq!((found.status, finding.line, finding.column, finding.length), (400, 2, 3, 5));
    assert_eq!(
        (finding.source.as_str(), finding.hint.as_deref()),
        ("  stepz FROM steps", Some("did you mean \"steps\"?"))
    );
    for (sql, status) in [("missing", 404), ("unsupported", 422), ("slow", 408), ("large", 413), ("full", 507)] {
        assert_eq!(problem("sql", server.sql(sql)).await.status, status);
    }
}

#[tokio::test]
async fn errors_while_rows_are_computed_keep_their_status_where_possible() {
    let server = Server::with(|settings| settings.max_json_answer_bytes = 10_000).await;
    // JSON is collected first; the streamed forms wait for their first rows.
    assert_eq!(problem("sql", server.sql("fail 100")).await.status, 408);
    assert_eq!(problem("sql", server.sql("rows 5000")).await.status, 413);
    for accept in ["application/x-ndjson", "text/csv", ARROW] {
        assert_eq!(problem("sql", server.sql("fail 0").header("accept", accept)).await.status, 408, "{accept}");
        // Later the answer is cut off: the client's reader fails instead of taking a part for the whole.
        let response = send("sql", server.sql("fail 100").header("accept", accept)).await;
        assert_eq!(response.status(), 200);
        assert!(response.bytes().await.is_err(), "{accept}");
    }
    let head = "POST /v1/sql HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\naccept: text/csv\r\n\
                content-length: 8\r\n\r\nfail 100";
    let answer = rest(server.raw(head).await).await;
    assert!(answer.contains("transfer-encoding: chunked") && !answer.ends_with("0\r\n\r\n"), "{answer}");
}

#[tokio::test]
async fn a_client_that_goes_away_cancels_its_query() {
    let server = Server::start().await;
    // While the engine works on the answer.
    let head = |sql: &str| {
        format!(
            "POST /v1/sql HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\naccept: text/csv\r\n\
             content-length: {}\r\n\r\n{sql}",
            sql.len()
        )
    };
    let connection = server.raw(&head("hang")).await;
    told("the query's begin", &server.engine.begun).await;
    drop(connection);
    told("the query's end", &server.engine.dropped).await;

    // Between two batches.
    let connection = server.raw(&head("hang rows")).await;
    told("the second batch", &server.engine.begun).await;
    drop(connection);
    told("the rows' end", &server.engine.dropped).await;

    // In the middle of an endless answer that is read for a while.
    let mut connection = server.raw(&head("flood")).await;
    let mut some = vec![0; 100_000];
    within("some rows", connection.read_exact(&mut some)).await.unwrap();
    drop(connection);
    told("the flood's end", &server.engine.dropped).await;
}
