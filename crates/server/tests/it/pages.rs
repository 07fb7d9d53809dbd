//! The web UI's files, and the pages of apps as data.

use serde_json::{Value, json};

use crate::harness::{Server, problem, send};

#[tokio::test]
async fn the_page_is_served_at_every_address_it_draws() {
    let server = Server::start().await;
    let page = send("page", server.get("/")).await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'self'") && !policy.contains("http"), "{policy}");
    assert_eq!(page.headers()["cache-control"], "no-cache");
    let tag = page.headers()["etag"].clone();
    let text = page.text().await.unwrap();
    assert!(text.contains("Highwater"));
    for path in ["/apps/mine/top", "/apps/mine/top?n=3", "/query", "/data", "/operations"] {
        assert_eq!(server.get(path).send().await.unwrap().text().await.unwrap(), text, "{path}");
    }
    assert_eq!(send("page", server.get("/").header("if-none-match", tag)).await.status(), 304);
    let missing = server.get("/assets/nothing.js").send().await.unwrap();
    assert_eq!(
        (missing.status().as_u16(), missing.headers()["content-type"].to_str().unwrap()),
        (404, "application/problem+json")
    );
}

#[tokio::test]
async fn a_dashboard_is_one_file_with_its_rows() {
    let server = Server::start().await;
    let asked = server.get("/v1/apps/mine/dashboards/top/page.html?n=3");
    let page = send("publishedPage", asked).await;
    if page.status() == 422 {
        // Built without Node: there are no pages to publish, and it says so.
        assert!(page.text().await.unwrap().contains("built without its pages"));
        return;
    }
    let disposition = page.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(disposition, "attachment; filename=\"mine-top.html\"");
    let text = page.text().await.unwrap();
    let data = text.split_once("id=\"published\">").unwrap().1.split_once("</script>").unwrap().0;
    assert!(!data.contains('<'));
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["app"], &data["values"]), (&json!("mine"), &json!({"n": "3"})));
    let panels = data["panels"].as_object().unwrap();
    let rows = panels.values().find_map(|panel| panel["answer"]["rows"].as_array()).unwrap();
    assert_eq!(rows.len(), 3);
    for (path, status) in [("top/page.html?m=3", 400), ("top/page.html?n=many", 400), ("bottom/page.html", 404)] {
        let refused = problem("publishedPage", server.get(&format!("/v1/apps/mine/dashboards/{path}"))).await;
        assert_eq!(refused.status, status, "{path}");
    }
    // A page with mistakes has no rows to show.
    assert_eq!(problem("publishedPage", server.get("/v1/apps/mine/dashboards/wrong/page.html")).await.status, 400);
}

#[tokio::test]
async fn apps_and_dashboards_are_data() {
    let server = Server::start().await;
    let apps: Value = send("apps", server.get("/v1/apps")).await.json().await.unwrap();
    assert_eq!(apps["apps"][0]["title"], "My app");
    let pages: Vec<_> =
        apps["apps"][0]["dashboards"].as_array().unwrap().iter().map(|p| (&p["name"], &p["broken"])).collect();
    assert_eq!(pages, [(&json!("top"), &json!(false)), (&json!("wrong"), &json!(true))]);
    let top: Value = send("dashboard", server.get("/v1/apps/mine/dashboards/top")).await.json().await.unwrap();
    assert_eq!(top["dashboard"]["panels"][0]["source"], json!({"sql": {"sql": "rows $n"}}));
    assert_eq!(top["dashboard"]["parameters"][0]["kind"], "number");
    let wrong: Value = send("dashboard", server.get("/v1/apps/mine/dashboards/wrong")).await.json().await.unwrap();
    assert_eq!((&wrong["dashboard"], &wrong["findings"][0]["line"]), (&Value::Null, &json!(1)));
    assert_eq!(wrong["findings"][0]["hint"], "did you mean title?");
    assert_eq!(wrong["text"], "titel = \"Wrong\"\n");
    let check = |text: &'static str| {
        send("checkDashboard", server.post("/v1/dashboards/check").header("content-type", "text/plain").body(text))
    };
    let checked: Value =
        check("title = \"X\"\n[[panels]]\nkind = \"text\"\ntext = \"Hi\"\n").await.json().await.unwrap();
    assert_eq!((&checked["dashboard"]["title"], &checked["findings"]), (&json!("X"), &json!([])));
    let refused: Value = check("titel = 1").await.json().await.unwrap();
    assert_eq!(refused["findings"][0]["hint"], "did you mean title?");
    for path in ["/v1/apps/yours/dashboards/top", "/v1/apps/mine/dashboards/bottom"] {
        assert_eq!(problem("dashboard", server.get(path)).await.status, 404);
    }
}
