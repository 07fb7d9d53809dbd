//! The description: current on disk, complete, and consistent in itself.

use std::path::Path;

use serde_json::Value;

use crate::harness::{Server, send};

#[test]
fn the_committed_description_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let current = highwater_server::openapi_json();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &current).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == current, "docs/openapi.json is not current: run this test with UPDATE_GOLDEN=1");
}

#[test]
fn every_operation_is_described_in_full() {
    let api: Value = serde_json::from_str(&highwater_server::openapi_json()).unwrap();
    assert_eq!(api["openapi"], "3.1.0");
    let schemas = api["components"]["schemas"].as_object().unwrap();
    let mut operations = 0;
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations += 1;
            let at = format!("{method} {path}");
            assert!(operation["summary"].is_string() && operation["operationId"].is_string(), "{at}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path").count();
            assert_eq!(in_path, path.matches('{').count(), "{at}");
            for parameter in &parameters {
                let schema = &parameter["schema"];
                assert!(parameter["description"].is_string() && schema["type"].is_string(), "{at}: {parameter}");
                assert_eq!(parameter["required"], parameter["in"] == "path", "{at}: {parameter}");
            }
            for (status, answer) in operation["responses"].as_object().unwrap() {
                assert!(answer["description"].is_string(), "{at} {status}");
                if status.as_str() >= "400" && !(path == "/readyz" && status == "503") {
                    let reference = &answer["content"]["application/problem+json"]["schema"]["$ref"];
                    assert_eq!(reference, "#/components/schemas/Problem", "{at} {status}");
                }
            }
        }
    }
    assert_eq!(operations, 24);
    for reference in references(&api) {
        let name = reference.rsplit('/').next().unwrap();
        assert!(schemas.contains_key(name), "{reference} leads nowhere");
    }
}

fn references(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let own = map.get("$ref").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(map.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn the_description_is_served() {
    let server = Server::start().await;
    let text = send("openapi", server.get("/openapi.json")).await.text().await.unwrap();
    assert_eq!(text, highwater_server::openapi_json());
}
