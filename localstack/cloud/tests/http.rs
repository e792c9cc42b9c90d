//! The HTTP API, the cloud's own pages, and what functions find in their environment.

#[cfg(test)]
mod common;

use common::TestCloud;
use serde_json::{Value, json};

#[tokio::test]
async fn requests_become_events_of_format_2() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::new();
    let answer = http
        .get(cloud.url("/v1/conversations/d%3Aa%3Ab/entries?after=4&x=1&x=2"))
        .header("X-Test", "One")
        .header("Cookie", "a=b; c=d")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let event = answer.json::<Value>().await.unwrap()["event"].clone();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "GET /v1/conversations/{id}/entries");
    assert_eq!(event["rawPath"], "/v1/conversations/d%3Aa%3Ab/entries");
    assert_eq!(event["pathParameters"], json!({"id": "d:a:b"}));
    assert_eq!(event["rawQueryString"], "after=4&x=1&x=2");
    assert_eq!(event["queryStringParameters"], json!({"after": "4", "x": "1,2"}));
    assert_eq!(event["headers"]["x-test"], "One");
    assert_eq!(event["cookies"], json!(["a=b", "c=d"]));
    assert_eq!(event["requestContext"]["http"]["method"], "GET");
    assert_eq!(event["requestContext"]["http"]["sourceIp"], "127.0.0.1");
    assert_eq!(event["requestContext"]["stage"], "$default");
    assert!(event.get("body").is_none());
    let posted = http.post(cloud.url("/v1/accounts")).json(&json!({"a": 1})).send().await.unwrap();
    let event = posted.json::<Value>().await.unwrap()["event"].clone();
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("{\"a\":1}"), &json!(false)));
    let ledger = cloud.running.ledger().use_case("POST /v1/accounts");
    assert_eq!((ledger.count, ledger.http_requests, ledger.invocations), (1, 1, 1));
    cloud.running.stop().await;
}

#[tokio::test]
async fn answers_of_both_formats_and_failures() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::new();
    let post = |query: &str| http.post(cloud.url(&format!("/v1/accounts{query}"))).send();
    let short: Value = post("?do=quietly").await.unwrap().json().await.unwrap();
    assert_eq!(short, json!({"short": "format"}));
    let status = post("?do=status&status=418&text=tea").await.unwrap();
    assert_eq!((status.status().as_u16(), status.text().await.unwrap().as_str()), (418, "tea"));
    for what in ["fail", "crash"] {
        let failed = post(&format!("?do={what}")).await.unwrap();
        assert_eq!(failed.status(), 500, "{what}");
        assert_eq!(failed.json::<Value>().await.unwrap(), json!({"message": "Internal Server Error"}));
    }
    let missing = http.get(cloud.url("/v1/nowhere")).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.json::<Value>().await.unwrap(), json!({"message": "Not Found"}));
    let large = http.post(cloud.url("/v1/accounts")).body(vec![0; 10 * 1024 * 1024 + 1]).send().await.unwrap();
    assert_eq!(large.status(), 413);
    cloud.running.stop().await;
}

#[tokio::test]
async fn any_page_may_call() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::new();
    let preflight = http
        .request(reqwest::Method::OPTIONS, cloud.url("/v1/accounts"))
        .header("origin", "http://page")
        .header("access-control-request-method", "POST")
        .send()
        .await
        .unwrap();
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    assert!(preflight.headers()["access-control-allow-headers"].to_str().unwrap().contains("authorization"));
    let answer = http.post(cloud.url("/v1/accounts")).header("origin", "http://page").send().await.unwrap();
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    cloud.running.stop().await;
}

#[tokio::test]
async fn the_cloud_tells_where_everything_is() {
    let cloud = TestCloud::start().await;
    let endpoints: Value = reqwest::get(cloud.url("/_local/endpoints")).await.unwrap().json().await.unwrap();
    for name in
        ["page", "api", "socket", "dynamodb", "sqs", "s3", "region", "access_key_id", "secret_access_key", "bucket"]
    {
        assert!(endpoints[name].is_string(), "{name}");
    }
    assert_eq!(endpoints["tables"]["log"], "tidings-local-log");
    for queue in ["fanout-0", "fanout-1", "retry", "task", "fanout-0-dlq", "task-dlq"] {
        assert!(endpoints["queues"][queue].is_string(), "{queue}");
    }
    let page = reqwest::get(endpoints["page"].as_str().unwrap()).await.unwrap();
    assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.text().await.unwrap().contains("register alice"));
    cloud.running.stop().await;
}

#[tokio::test]
async fn only_the_signer_holds_the_seed() {
    let cloud = TestCloud::start_with(|options| {
        options.set("INLINE_PUSH_MAX", "0").unwrap().set("FANOUT_SHARDS", "3").unwrap();
    })
    .await;
    let api: Value =
        reqwest::Client::new().post(cloud.url("/v1/accounts?do=settings")).send().await.unwrap().json().await.unwrap();
    assert_eq!(api["signing_key"].as_str().unwrap().len(), 43, "32 bytes in base64url");
    assert_eq!(api["inline"], "", "a function is told of the parameters that it reads");
    assert_eq!(api["fanout"].as_str().unwrap().split(',').count(), 3);
    assert_eq!(api["home"], "", "functions don't see the laptop's environment");
    let mut socket = cloud.connect("alice").await;
    let send = socket.ask(json!({"do": "settings"})).await;
    assert_eq!(send["signing_key"], "");
    assert_eq!(send["inline"], "0");
    let keys: Value = serde_json::from_str(send["verifying_keys"].as_str().unwrap()).unwrap();
    assert_eq!((&keys["keys"][0]["kty"], &keys["keys"][0]["crv"]), (&json!("OKP"), &json!("Ed25519")));
    cloud.running.stop().await;
}

#[tokio::test]
async fn clouds_run_side_by_side_and_say_when_a_port_is_taken() {
    let one = TestCloud::start().await;
    let two = TestCloud::start().await;
    assert_ne!(one.running.endpoints().api, two.running.endpoints().api);
    let port = one.running.endpoints().api.rsplit(':').next().unwrap().parse().unwrap();
    let error = tidings_local::LocalCloud::start(tidings_local::Options {
        functions_dir: one.folder().join("functions"),
        port,
        ..tidings_local::Options::for_tests()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains(&port.to_string()), "{error}");
    one.running.stop().await;
    two.running.stop().await;
}
