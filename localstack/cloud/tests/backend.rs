//! A cloud on somebody else's DynamoDB, SQS and S3: those of another local cloud, whose functions are never called.

#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

#[cfg(test)]
mod common;

use std::time::Duration;

use common::{TestCloud, files, lines, until};
use serde_json::json;
use tidings_local::backend::Backend;
use tidings_local::faults::Plan;
use tidings_local::{LocalCloud, Running};

/// The services of a cloud as a backend.
fn backend_of(cloud: &TestCloud) -> Backend {
    let endpoints = cloud.running.endpoints();
    Backend {
        dynamodb: endpoints.dynamodb.clone(),
        sqs: endpoints.sqs.clone(),
        s3: endpoints.s3.clone(),
        prefix: "t-7".to_owned(),
        access_key_id: endpoints.access_key_id.clone(),
        secret_access_key: endpoints.secret_access_key.clone(),
    }
}

/// A cloud with the services, and one on it with the functions.
async fn start() -> (TestCloud, TestCloud) {
    let services = TestCloud::start().await;
    let backend = backend_of(&services);
    let cloud = TestCloud::start_with(|options| options.backend = Some(backend)).await;
    (services, cloud)
}

async fn stop((services, cloud): (TestCloud, TestCloud)) {
    cloud.running.stop().await;
    services.running.stop().await;
}

async fn scan(cloud: &TestCloud, table: &str) -> usize {
    let client = aws_sdk_dynamodb::Client::new(&cloud.sdk(&cloud.running.endpoints().dynamodb).await);
    client.scan().table_name(table).send().await.unwrap().items().len()
}

#[tokio::test]
async fn what_a_function_writes_is_the_backends_and_its_bill_is_ours() {
    let clouds = start().await;
    let (services, cloud) = &clouds;
    let mut socket = cloud.connect("ann").await;
    let answer = socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
    assert_eq!(answer["outcome"], "done");
    assert_eq!(cloud.running.endpoints().tables["log"], "t-7-log");
    assert_eq!(scan(services, "t-7-log").await, 1);
    assert_eq!(scan(services, "tidings-local-log").await, 0, "it is another cloud's");
    let ledger = cloud.running.ledger();
    assert!((ledger.use_case("message.send").write_units - 1.0).abs() < f64::EPSILON);
    assert!(services.running.ledger().use_case("message.send").write_units.abs() < f64::EPSILON);
    // The same is written down as in any cloud, so that roles can be compared with it.
    let rights = serde_json::to_value(&ledger.rights).unwrap();
    let put = json!({"action": "dynamodb:PutItem", "resource": "table/tidings-local-log", "key": "d:"});
    assert!(rights["send"].as_array().unwrap().contains(&put), "{rights}");
    stop(clouds).await;
}

#[tokio::test]
async fn faults_are_injected_on_the_way_to_the_backend() {
    let clouds = start().await;
    let (services, cloud) = &clouds;
    let mut socket = cloud.connect("ann").await;
    let plan = json!({"services": {"dynamodb": {"throttle": 1.0}}});
    cloud.running.inject(Plan::from_json(plan.to_string().as_bytes()).unwrap()).unwrap();
    let answer = socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
    assert_eq!(answer["outcome"], "ProvisionedThroughputExceededException");
    assert_eq!(scan(services, "t-7-log").await, 0, "it was not passed on");
    cloud.running.inject(Plan::default()).unwrap();
    stop(clouds).await;
}

#[tokio::test]
async fn functions_are_fed_from_the_backends_queues() {
    let clouds = start().await;
    let (services, cloud) = &clouds;
    let marks = tempfile::tempdir().unwrap();
    let mark = marks.path().join("mark");
    // The URL is the backend's own, so people may send there as well.
    let url = &cloud.running.endpoints().queues["fanout-0"];
    assert!(url.starts_with(&services.running.endpoints().sqs) && url.ends_with("/t-7-fanout-0"), "{url}");
    let record = json!({"do": "work", "name": "theirs", "mark": mark});
    services.sqs().await.send_message().queue_url(url).message_body(record.to_string()).send().await.unwrap();
    cloud.enqueue("fanout-1", &json!({"do": "work", "name": "ours", "mark": mark})).await;
    until("both records", async || lines(&mark).len() == 2).await;
    until("rest", async || cloud.running.state().await.unrest().is_empty()).await;
    assert!(cloud.running.state().await.dead().is_empty());
    stop(clouds).await;
}

#[tokio::test]
async fn a_record_that_fails_comes_again_and_dies_in_the_backend() {
    let services = TestCloud::start().await;
    let backend = backend_of(&services);
    let cloud = TestCloud::start_with(|options| {
        options.backend = Some(backend);
        options.limits.receives = 2;
        options.limits.failed_visibility_s = Some(0);
    })
    .await;
    let marks = tempfile::tempdir().unwrap();
    let mark = marks.path().join("mark");
    cloud.enqueue("fanout-0", &json!({"do": "fail", "name": "bad", "mark": mark})).await;
    until("its death", async || cloud.running.state().await.dead() == [("fanout-0-dlq", 1)]).await;
    assert_eq!(lines(&mark).len(), 2);
    stop((services, cloud)).await;
}

#[tokio::test]
async fn files_are_the_backends() {
    let clouds = start().await;
    let (services, cloud) = &clouds;
    files::put(cloud, "a/letter", b"dear").await;
    assert_eq!(files::get(cloud, "a/letter").await, b"dear");
    let theirs = services.running.endpoints();
    assert_eq!(cloud.running.endpoints().bucket, "t-7-files");
    assert_eq!(theirs.bucket, "tidings-local-files");
    assert_eq!(files::get_from(services, "t-7-files", "a/letter").await, b"dear");
    stop(clouds).await;
}

#[tokio::test]
async fn what_is_there_is_used_again() {
    let (services, cloud) = start().await;
    let mut socket = cloud.connect("ann").await;
    socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
    let backend = backend_of(&services);
    cloud.running.stop().await;
    // One shard less: what waits in the other is still worked off.
    let again = TestCloud::start_with(|options| {
        options.backend = Some(backend);
        options.set("FANOUT_SHARDS", "1").unwrap();
    })
    .await;
    assert_eq!(scan(&again, "t-7-log").await, 1);
    let left_over: Vec<_> =
        again.running.queues().iter().filter(|queue| queue.left_over).map(|queue| &queue.name).collect();
    assert_eq!(left_over, ["fanout-1"]);
    stop((services, again)).await;
}

async fn refused(cloud: &TestCloud, change: impl FnOnce(&mut Backend)) -> String {
    let mut backend = backend_of(cloud);
    change(&mut backend);
    let mut options = cloud.options();
    options.backend = Some(backend);
    LocalCloud::start(options).await.map(drop::<Running>).unwrap_err().to_string()
}

#[tokio::test]
async fn what_cannot_be_is_refused_at_the_start() {
    let services = TestCloud::start().await;
    let error = refused(&services, |backend| backend.sqs = "localhost".to_owned()).await;
    assert!(error.contains("http://127.0.0.1:4566"), "{error}");
    // Port 1 is nobody's.
    let error = refused(&services, |backend| backend.dynamodb = "http://127.0.0.1:1".to_owned()).await;
    assert!(error.contains("http://127.0.0.1:1 does not answer") && error.contains("refused"), "{error}");
    // S3 alone checks signatures.
    let error = refused(&services, |backend| backend.secret_access_key = "wrong".to_owned()).await;
    assert!(error.contains("S3") && error.contains("403"), "{error}");

    let strange = json!({
        "TableName": "t-7-log",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "other", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "other", "KeyType": "HASH"}],
    });
    for (operation, request) in [("DeleteTable", json!({"TableName": "t-7-log"})), ("CreateTable", strange)] {
        let call = reqwest::Client::new().post(&services.running.endpoints().dynamodb).body(request.to_string());
        let call = call.header("x-amz-target", format!("DynamoDB_20120810.{operation}"));
        call.send().await.unwrap().error_for_status().unwrap();
    }
    let error = refused(&services, |_| {}).await;
    assert!(error.contains("t-7-log") && error.contains("wants others"), "{error}");

    let mut options = services.options();
    options.backend = Some(backend_of(&services));
    options.data = Some(services.folder().join("data"));
    let error = LocalCloud::start(options).await.map(drop::<Running>).unwrap_err().to_string();
    assert!(error.contains("--data and --backend"), "{error}");
    assert!(!services.folder().join("data").exists());
    services.running.stop().await;
}

#[tokio::test]
async fn a_backend_that_goes_away_is_a_server_error_and_no_busy_loop() {
    let (services, cloud) = start().await;
    let mut socket = cloud.connect("ann").await;
    socket.ask(json!({})).await;
    services.running.stop().await;
    let answer = socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
    assert_eq!(answer["outcome"], "InternalServerError");
    let answer = socket.ask(json!({"do": "queue", "text": "x"})).await;
    assert_eq!(answer["outcome"], "InternalError");
    let polls = || cloud.running.ledger().use_case("queue:fanout-0").empty_polls;
    let before = polls();
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(polls() - before <= 3, "a poll that fails is tried again after a second");
    cloud.running.stop().await;
}
