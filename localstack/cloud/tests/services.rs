//! Tables, queues and files behind the cloud's fronts: reachable with any SDK, counted, throttled, and feeding
//! functions.

#[cfg(test)]
mod common;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use common::{TestCloud, lines, until};
use serde_json::{Value, json};

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn key(conversation: &str, seq: u64) -> HashMap<String, AttributeValue> {
    HashMap::from([
        ("conversation".to_owned(), text(conversation)),
        ("seq".to_owned(), AttributeValue::N(seq.to_string())),
    ])
}

async fn dynamodb(cloud: &TestCloud) -> aws_sdk_dynamodb::Client {
    let sdk = cloud.sdk(&cloud.running.endpoints().dynamodb).await;
    let config = aws_sdk_dynamodb::config::Builder::from(&sdk)
        .retry_config(aws_sdk_dynamodb::config::retry::RetryConfig::disabled())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

#[tokio::test]
async fn calls_of_a_function_are_booked_for_its_use_case() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    socket.ask(json!({})).await;
    cloud.running.reset_ledger();
    socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
    socket.ask(json!({"do": "queue", "text": "hello"})).await;
    socket.ask(json!({"do": "log", "bytes": "1000"})).await;
    until("log lines are read", || async { cloud.running.ledger().use_case("message.send").log_bytes >= 1001 }).await;
    let ledger = cloud.running.ledger();
    let sends = ledger.use_case("message.send");
    assert_eq!((sends.count, sends.gateway_messages, sends.invocations), (3, 6, 3));
    assert_eq!((sends.write_units, sends.read_units, sends.table_calls), (1.0, 0.0, 1));
    assert_eq!((sends.queue_requests, sends.cold_starts), (1, 0));
    assert_eq!(sends.calls["dynamodb.PutItem"], 1);
    assert_eq!(sends.calls["sqs.SendMessage"], 1);
    let per_million = ledger.dollars_per_million["message.send"];
    assert!(per_million > 2.0 && per_million < 10.0, "{per_million}");
    // The same over HTTP, and from outside: external.
    let http: Value = reqwest::get(cloud.url("/_local/ledger")).await.unwrap().json().await.unwrap();
    assert_eq!(http["use_cases"]["message.send"]["write_units"], 1.0);
    assert_eq!(http["use_cases"]["message.send"]["calls"]["dynamodb.PutItem"], 1);
    dynamodb(&cloud).await.list_tables().send().await.unwrap();
    assert_eq!(cloud.running.ledger().use_case("external").table_calls, 1);
    reqwest::Client::new().post(cloud.url("/_local/ledger/reset")).send().await.unwrap();
    assert_eq!(cloud.running.ledger().use_case("message.send").count, 0);
    cloud.running.stop().await;
}

#[tokio::test]
async fn tables_are_there_and_units_are_right() {
    let cloud = TestCloud::start().await;
    let client = dynamodb(&cloud).await;
    let endpoints = cloud.running.endpoints().clone();
    let listed = client.list_tables().send().await.unwrap();
    for table in endpoints.tables.values() {
        assert!(listed.table_names().contains(table), "{table}");
    }
    let log = &endpoints.tables["log"];
    cloud.running.reset_ledger();
    let put = |seq, size: usize| {
        let mut item = key("d:a:b", seq);
        item.insert("body".to_owned(), text(&"x".repeat(size)));
        client.put_item().table_name(log).set_item(Some(item)).condition_expression("attribute_not_exists(seq)")
    };
    let first = put(1, 100).send().await.unwrap();
    assert!(first.consumed_capacity().is_none(), "who didn't ask isn't told");
    let asked = put(2, 2000).return_consumed_capacity(ReturnConsumedCapacity::Total).send().await.unwrap();
    assert_eq!(asked.consumed_capacity().unwrap().capacity_units(), Some(2.0));
    // A failed condition costs, too.
    let lost = put(1, 100).send().await.unwrap_err().into_service_error();
    assert!(lost.is_conditional_check_failed_exception());
    let query = |consistent| {
        client
            .query()
            .table_name(log)
            .key_condition_expression("conversation = :c")
            .expression_attribute_values(":c", text("d:a:b"))
            .consistent_read(consistent)
    };
    assert_eq!(query(true).send().await.unwrap().items().len(), 2);
    query(false).send().await.unwrap();
    let ledger = cloud.running.ledger().use_case("external");
    assert_eq!((ledger.write_units, ledger.read_units), (4.0, 1.5));
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_hot_partition_is_throttled_alone() {
    let cloud = TestCloud::start_with(|options| {
        options.limits.partition_writes_per_s = 5.0;
        options.limits.partition_reads_per_s = 0.001;
    })
    .await;
    let client = dynamodb(&cloud).await;
    let log = &cloud.running.endpoints().tables["log"];
    let put = |conversation: &str, seq| client.put_item().table_name(log).set_item(Some(key(conversation, seq))).send();
    let mut throttled = 0;
    for seq in 0..12 {
        if let Err(error) = put("d:a:b", seq).await {
            assert!(error.into_service_error().is_provisioned_throughput_exceeded_exception());
            throttled += 1;
        }
    }
    assert!((1..=7).contains(&throttled), "{throttled}");
    put("d:a:c", 1).await.unwrap();
    assert_eq!(cloud.running.ledger().use_case("external").throttled, throttled);
    // A query names its partition in an expression.
    let query = || {
        client
            .query()
            .table_name(log)
            .key_condition_expression("#c = :c")
            .expression_attribute_names("#c", "conversation")
            .expression_attribute_values(":c", text("d:a:b"))
            .send()
    };
    query().await.unwrap();
    assert!(query().await.unwrap_err().into_service_error().is_provisioned_throughput_exceeded_exception());
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_partition_gives_its_units_a_second_and_no_more() {
    const WRITES_PER_S: f64 = 40.0;
    const READS_PER_S: f64 = 3.0 * WRITES_PER_S;
    let limits = tidings_local::Limits::default();
    assert_eq!((limits.partition_writes_per_s, limits.partition_reads_per_s), (1_000.0, 3_000.0));
    let cloud = TestCloud::start_with(|options| {
        options.limits.partition_writes_per_s = WRITES_PER_S;
        options.limits.partition_reads_per_s = READS_PER_S;
    })
    .await;
    let client = dynamodb(&cloud).await;
    let log = &cloud.running.endpoints().tables["log"];
    // 16 units a write, and four a strongly consistent read, so that a slow machine asks for too much, too.
    let mut item = key("d:a:b", 1);
    item.insert("body".to_owned(), text(&"x".repeat(16_000)));
    let item = Some(item);
    let mut refused = [0, 0];
    let started = std::time::Instant::now();
    while started.elapsed().as_secs_f64() < 2.0 {
        let put = client.put_item().table_name(log).set_item(item.clone()).send();
        let get = || client.get_item().table_name(log).set_key(Some(key("d:a:b", 1))).consistent_read(true).send();
        let (put, first, second, third, fourth) = tokio::join!(put, get(), get(), get(), get());
        refused[0] += usize::from(put.is_err());
        refused[1] += [first, second, third, fourth].iter().filter(|get| get.is_err()).count();
    }
    let elapsed = started.elapsed().as_secs_f64();
    let ledger = cloud.running.ledger().use_case("external");
    for (what, units, per_s, refused) in [
        ("written", ledger.write_units, WRITES_PER_S, refused[0]),
        ("read", ledger.read_units, READS_PER_S, refused[1]),
    ] {
        // A second's burst, what came in since, and the last calls, which may go into debt.
        let (least, most) = (per_s * elapsed, per_s * (1.0 + elapsed) + 16.0);
        assert!((least..=most).contains(&units), "{units} units {what}, not {least} to {most}");
        assert!(refused > 0, "{what}");
    }
    cloud.running.stop().await;
}

#[tokio::test]
async fn records_reach_the_function_and_are_deleted() {
    let cloud = TestCloud::start().await;
    let mark = cloud.folder().join("mark");
    for name in ["a", "b", "c"] {
        cloud.enqueue("fanout-1", &json!({"mark": mark, "name": name})).await;
    }
    until("all are worked off", || async { lines(&mark).len() == 3 }).await;
    until("the queue is empty", || async { cloud.queue_lengths("fanout-1").await == (0, 0) }).await;
    let ledger = cloud.running.ledger().use_case("queue:fanout-1");
    assert!(ledger.count >= 1 && ledger.invocations == ledger.count);
    assert!(ledger.queue_requests >= 2, "a receive and a delete at least");
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_batch_window_fills_batches() {
    let cloud = TestCloud::start().await;
    let mark = cloud.folder().join("mark");
    for n in 0..14 {
        cloud.enqueue("retry", &json!({"mark": mark, "name": n.to_string()})).await;
    }
    until("all are worked off", || async { lines(&mark).len() == 14 }).await;
    // The first poll wakes with one record, and the window of a second gathers nine more.
    assert!(lines(&mark).iter().any(|(_, size)| *size == 10), "{:?}", lines(&mark));
    cloud.running.stop().await;
}

#[tokio::test]
async fn what_fails_comes_again_and_ends_in_the_dead_letter_queue() {
    let cloud = TestCloud::start_with(|options| {
        options.limits.failed_visibility_s = Some(0);
        options.limits.receives = 2;
    })
    .await;
    let mark = cloud.folder().join("mark");
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "good"})).await;
    cloud.enqueue("fanout-0", &json!({"mark": mark, "name": "bad", "do": "fail"})).await;
    until("the bad one is dead", || async { cloud.queue_lengths("fanout-0-dlq").await.0 == 1 }).await;
    let tries = |name: &str| lines(&mark).iter().filter(|(line, _)| line == name).count();
    assert_eq!(tries("bad"), 2);
    assert_eq!(tries("good"), 1, "its neighbour is not tried again");
    assert_eq!(cloud.queue_lengths("fanout-0").await, (0, 0));
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_report_that_makes_no_sense_fails_the_whole_batch() {
    for kind in ["report-stranger", "crash"] {
        let cloud = TestCloud::start_with(|options| {
            options.limits.failed_visibility_s = Some(0);
            options.limits.receives = 1;
        })
        .await;
        let mark = cloud.folder().join("mark");
        cloud.enqueue("fanout-0", &json!({"mark": mark, "do": kind})).await;
        until("it is dead", || async { cloud.queue_lengths("fanout-0-dlq").await.0 == 1 }).await;
        cloud.running.stop().await;
    }
}

#[tokio::test]
async fn without_the_shortcut_a_failed_record_stays_hidden() {
    let cloud = TestCloud::start_with(|options| options.limits.failed_visibility_s = None).await;
    let mark = cloud.folder().join("mark");
    cloud.enqueue("fanout-0", &json!({"mark": mark, "do": "fail"})).await;
    until("it was tried", || async { lines(&mark).len() == 1 }).await;
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    assert_eq!(lines(&mark).len(), 1);
    assert_eq!(cloud.queue_lengths("fanout-0").await, (0, 1), "for six times the function's time-out");
    cloud.running.stop().await;
}

#[tokio::test]
async fn files_want_a_known_key_and_any_origin_may_ask() {
    let cloud = TestCloud::start().await;
    let endpoints = cloud.running.endpoints();
    let http = reqwest::Client::new();
    let object = format!("{}/{}/key", endpoints.s3, endpoints.bucket);
    let anonymous = http.put(&object).body("x").send().await.unwrap();
    assert_eq!(anonymous.status(), 403);
    let preflight = http
        .request(reqwest::Method::OPTIONS, &object)
        .header("origin", "http://page")
        .header("access-control-request-method", "PUT")
        .send()
        .await
        .unwrap();
    assert!(preflight.status().is_success());
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");
    let ledger = cloud.running.ledger().use_case("external");
    assert_eq!(ledger.storage_writes, 1);
    cloud.running.stop().await;
}
