//! What all routes share: probes, metrics, unknown paths and methods, hosts and origins, the stop.

use serde_json::Value;

use crate::harness::{Server, problem, rest, send, told, within};

#[tokio::test]
async fn probes_and_status() {
    let server = Server::start().await;
    assert_eq!(send("alive", server.get("/healthz")).await.text().await.unwrap(), "ok\n");
    assert_eq!(send("ready", server.get("/readyz")).await.status(), 200);
    let status: Value = send("status", server.get("/v1/status")).await.json().await.unwrap();
    assert_eq!(status["streams"][0]["name"], "public.steps");
    assert_eq!((&status["views"][0]["state"], &status["version"]), (&Value::from("live"), &Value::from("7-a1")));

    *server.engine.unready.lock().unwrap() = true;
    let unready = send("ready", server.get("/readyz")).await;
    assert_eq!((unready.status().as_u16(), unready.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(unready.json::<Value>().await.unwrap()["ready"], false);
    assert_eq!(send("alive", server.get("/healthz")).await.status(), 200);
}

#[tokio::test]
async fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let server = Server::start().await;
    let told = |checkup: &Value| -> Vec<String> {
        let findings = checkup["findings"].as_array().unwrap().clone();
        assert!(findings.iter().all(|finding| !finding["next"].as_str().unwrap().is_empty()));
        findings.iter().map(|finding| format!("{} {}", finding["severity"], finding["part"])).collect()
    };
    let checkup: Value = send("doctor", server.get("/v1/doctor")).await.json().await.unwrap();
    assert_eq!(checkup["sound"], true);
    assert_eq!(told(&checkup), [r#""warning" "memory""#, r#""warning" "public.steps""#]);
    assert_eq!(checkup["findings"][1]["what"], "1 records were rejected");

    *server.engine.unready.lock().unwrap() = true;
    let checkup: Value = send("doctor", server.get("/v1/doctor")).await.json().await.unwrap();
    assert_eq!((&checkup["sound"], told(&checkup)[0].as_str()), (&Value::from(false), r#""error" "the server""#));
}

#[tokio::test]
async fn metrics_count_requests_by_route() {
    let server = Server::start().await;
    send("ingest", server.events("steps").body("{}")).await;
    server.get("/nowhere/at/all").send().await.unwrap();
    let text = send("metrics", server.get("/metrics")).await.text().await.unwrap();
    let counted =
        "highwater_server_requests_total{route=\"/v1/streams/{stream}/events\",method=\"POST\",status=\"202\"}";
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("route=\"unmatched\",method=\"GET\",status=\"404\""), "{text}");
    assert!(
        text.contains("highwater_server_request_seconds_bucket{route=\"/v1/streams/{stream}/events\",le=\"0.0001\"}")
    );
    assert!(text.contains("# TYPE highwater_server_ingest_bytes_total counter"));
    let resident = text.lines().find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    assert_eq!(resident.is_some_and(|bytes| bytes.parse::<f64>().unwrap() > 1e6), cfg!(target_os = "linux"), "{text}");
    assert!(!text.contains("nowhere"), "paths are not labels");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let server = Server::start().await;
    for path in ["/nowhere", "/v1", "/v1/streams/", "/v1/views/a/b"] {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), response.headers()["content-type"].to_str().unwrap()),
            (404, "application/problem+json")
        );
    }
    let wrong = [
        (server.get("/v1/sql"), "POST"),
        (server.post("/v1/views/daily"), "GET,HEAD"),
        (server.client.delete(server.url("/v1/streams/steps/events")), "POST"),
        (server.client.request(reqwest::Method::TRACE, server.url("/healthz")), "GET,HEAD"),
        (server.client.request(reqwest::Method::OPTIONS, server.url("/v1/sql")), "POST"),
    ];
    for (request, allow) in wrong {
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["allow"].to_str().unwrap()), (405, allow));
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    let head = server.client.head(server.url("/healthz")).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn a_loopback_server_answers_only_for_loopback_hosts() {
    let server = Server::start().await;
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "not a host"] {
        assert_eq!(problem("alive", server.get("/healthz").header("host", host)).await.status, 421, "{host}");
    }
    for host in ["localhost", "LOCALHOST:9000", "[::1]:9000", "127.0.0.1"] {
        assert_eq!(send("alive", server.get("/healthz").header("host", host)).await.status(), 200, "{host}");
    }
    let open = Server::with(|settings| settings.allowed_hosts = None).await;
    assert_eq!(send("alive", open.get("/healthz").header("host", "any.example")).await.status(), 200);
}

#[tokio::test]
async fn pages_of_other_origins_may_not_call_unless_allowed() {
    let server = Server::start().await;
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        assert_eq!(problem("sql", server.sql("rows 1").header("origin", origin)).await.status, 403, "{origin}");
    }
    assert!(server.engine.statements.lock().unwrap().is_empty());
    let own = server.sql("rows 1").header("origin", format!("http://{}", server.address));
    assert_eq!(send("sql", own).await.status(), 200);

    let allowed = "https://ops.example.org";
    let server = Server::with(|settings| settings.cors_origins = vec![allowed.to_owned()]).await;
    let response = send("sql", server.sql("rows 1").header("origin", allowed)).await;
    assert_eq!(response.headers()["access-control-allow-origin"], allowed);
    let asked = server.client.request(reqwest::Method::OPTIONS, server.url("/v1/sql")).header("origin", allowed);
    let asked = asked.header("access-control-request-method", "POST").send().await.unwrap();
    assert_eq!(asked.status(), 200);
    assert!(asked.headers()["access-control-allow-headers"].to_str().unwrap().contains("highwater-producer"));
    assert_eq!(problem("sql", server.sql("rows 1").header("origin", "https://evil.example")).await.status, 403);
}

#[tokio::test]
async fn request_ids_are_taken_over_or_given() {
    let server = Server::start().await;
    let given = send("alive", server.get("/healthz").header("x-request-id", "mine-7")).await;
    assert_eq!(given.headers()["x-request-id"], "mine-7");
    let long = "x".repeat(200);
    let own = send("alive", server.get("/healthz").header("x-request-id", &long)).await;
    assert_ne!(own.headers()["x-request-id"], long.as_str());
}

#[tokio::test]
async fn a_stop_lets_running_requests_finish() {
    let server = Server::start().await;
    let engine = server.engine.clone();
    let running = tokio::spawn(server.events("hang").body("{}").send());
    told("the request", &engine.begun).await;
    let idle = server.raw("").await;
    let stopping = tokio::spawn(server.stop());
    // The idle connection is closed at once, the running request is not.
    assert_eq!(rest(idle).await, "");
    engine.release.notify_one();
    assert_eq!(within("the answer", running).await.unwrap().unwrap().status(), 202);
    within("the stop", stopping).await.unwrap();
}
