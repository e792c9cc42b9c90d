//! The guard at the end of every test sees what it is there for.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use serde_json::json;
use tidings_e2e::Cloud;

/// What the guard says of a cloud; it must find something.
async fn found_by_the_guard(cloud: Cloud) -> String {
    let panic = tokio::spawn(cloud.stop()).await.unwrap_err().into_panic();
    panic.downcast_ref::<String>().unwrap().clone()
}

#[tokio::test]
async fn a_dead_record_is_found() {
    let cloud = Cloud::start().await;
    cloud.enqueue("retry-dlq", "dead").await;
    let found = found_by_the_guard(cloud).await;
    assert!(found.contains("records are dead") && found.contains("retry-dlq"), "{found}");
}

#[tokio::test]
async fn a_route_that_is_left_behind_is_found() {
    let cloud = Cloud::start().await;
    let item = json!({ "user": { "S": "nobody" }, "device": { "S": "phone" }, "connection_id": { "S": "gone" } });
    cloud.dynamodb("PutItem", json!({ "TableName": cloud.endpoints().tables["routes"], "Item": item })).await;
    let found = found_by_the_guard(cloud).await;
    assert!(found.contains("routes are left behind") && found.contains("nobody"), "{found}");
}

#[tokio::test]
async fn a_test_that_forgets_the_guard_fails() {
    let cloud = Cloud::start().await;
    let forgetting = tokio::spawn(async move { drop(cloud) });
    assert!(forgetting.await.unwrap_err().is_panic());
}
