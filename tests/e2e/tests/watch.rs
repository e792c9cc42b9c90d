//! What happens shows: in the metrics, in the dashboard, and live.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tidings_e2e::cloud::eventually;
use tidings_e2e::metrics::Metrics;
use tidings_e2e::person::client_id;
use tidings_e2e::{Cloud, Person, Socket};
use tidings_local::faults::{Calls, Plan, Posts, Services, Wait};
use tidings_local::options::workspace;

fn draft(text: &str) -> Value {
    json!({ "client_id": client_id(), "body": { "type": "text", "text": text } })
}

fn message(conversation: &str, draft: &Value) -> Value {
    json!({ "conversation": conversation, "client_id": draft["client_id"], "body": draft["body"] })
}

/// Ann at her laptop and Bob at his desk, both online.
async fn talk(cloud: &Cloud) -> (Person, Person, Socket, Socket) {
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (laptop, desk) = (ann.online(cloud, "laptop").await, bob.online(cloud, "desk").await);
    (ann, bob, laptop, desk)
}

async fn end(cloud: Cloud, sockets: [Socket; 2]) {
    for socket in sockets {
        socket.close().await;
    }
    cloud.stop().await;
}

/// A counter as people read it.
fn shown(metrics: &Metrics, series: &str) -> String {
    metrics.value(series).to_string()
}

/// Three single messages, the last one sent again, and two together.
#[tokio::test]
async fn the_metrics_show_exactly_what_was_sent() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let talk = ann.with(&bob).to_string();
    let drafts: Vec<_> = ["one", "two", "three"].map(draft).into();
    for draft in &drafts {
        laptop.ok("message.send", message(&talk, draft)).await;
    }
    let again = laptop.ok("message.send", message(&talk, &drafts[2])).await;
    assert_eq!(again["duplicate"], true);
    laptop.ok("message.send", json!({ "conversation": talk, "messages": [draft("four"), draft("five")] })).await;
    while desk.event().await["entry"]["seq"] != 5 {}
    laptop.refused("conversation.read", json!({ "conversation": talk, "seq": 0 })).await;
    let head = desk.ok("history", json!({ "conversation": talk, "after": 3 })).await;
    assert_eq!(head["entries"].as_array().unwrap().len(), 2);

    // A function's line is read a moment after its answer.
    let last = ["tidings_pulls_total{function=\"sync\"}", "tidings_ack_latency_seconds_count{function=\"send\"}"];
    eventually("the last lines are read", async || {
        let metrics = cloud.metrics().await;
        metrics.value(last[0]) >= 1.0 && metrics.value(last[1]) >= 5.0
    })
    .await;
    let metrics = cloud.metrics().await;
    let value = |series: &str| shown(&metrics, series);
    assert_eq!(value("tidings_sends_total{function=\"send\"}"), "5");
    assert_eq!(value("tidings_duplicates_total{function=\"send\"}"), "1");
    assert_eq!(value("tidings_conflicts_total{function=\"send\"}"), "0");
    assert_eq!(value("tidings_ack_latency_seconds_count{function=\"send\"}"), "5", "one for each frame");
    assert_eq!(value("tidings_refusals_total{function=\"sync\",reason=\"request\"}"), "1");
    assert_eq!(value("tidings_refusals_total{function=\"send\",reason=\"internal\"}"), "0");
    assert_eq!(value("tidings_cold_starts_total{function=\"send\"}"), "1", "one at a time needs one process");
    assert_eq!(value("tidings_local_connections"), "2");
    assert_eq!(value("tidings_local_ledger_count_total{use_case=\"message.send\"}"), "5");
    assert_eq!(value("tidings_metric_lines_rejected_total"), "0");
    // Each frame's entries went to the desk with one post, and those of the message that was sent again with another.
    assert_eq!(value("tidings_posts_total{function=\"send\",result=\"taken\"}"), "5");
    assert_eq!(value("tidings_push_latency_seconds_count{function=\"send\"}"), "6", "one for each entry and device");
    let slowest = metrics.value("tidings_push_latency_seconds_sum{function=\"send\"}");
    assert!((0.0..30.0).contains(&slowest), "{slowest} s");
    end(cloud, [laptop, desk]).await;
}

/// What the queues carry is counted where it is worked off, and so is what fails there.
#[tokio::test]
async fn the_metrics_show_the_fan_out() {
    let cloud = Cloud::with(|options| {
        options.set("INLINE_PUSH_MAX", "0").unwrap();
    })
    .await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), &draft("one"))).await;
    assert_eq!(desk.event().await["entry"]["seq"], 1);
    let lag = "tidings_fan_out_lag_seconds_count{function=\"deliver\"}";
    eventually("the job is counted", async || cloud.metrics().await.value(lag) > 0.0).await;
    let metrics = cloud.metrics().await;
    assert_eq!(shown(&metrics, lag), "1");
    assert_eq!(shown(&metrics, "tidings_jobs_total{function=\"send\",queue=\"fanout\"}"), "1");
    assert_eq!(shown(&metrics, "tidings_posts_total{function=\"deliver\",result=\"taken\"}"), "1");
    assert_eq!(shown(&metrics, "tidings_push_latency_seconds_count{function=\"deliver\"}"), "1");
    assert_eq!(shown(&metrics, "tidings_records_failed_total{function=\"deliver\"}"), "0");
    end(cloud, [laptop, desk]).await;
}

/// Two who take the same place at once, a socket that takes nothing for a while, a route that was lost.
#[tokio::test]
async fn the_metrics_show_what_goes_wrong() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let talk = ann.with(&bob).to_string();
    laptop.ok("message.send", message(&talk, &draft("hello"))).await;
    desk.event().await;

    // Both have read the head before either has written.
    let slow = Calls { latency: Wait { share: 1.0, ms: [150, 150] }, ..Calls::default() };
    let services = Services { dynamodb: slow, ..Services::default() };
    cloud.running().inject(Plan { services, ..Plan::default() }).unwrap();
    let (one, other) = (message(&talk, &draft("one")), message(&talk, &draft("other")));
    tokio::join!(laptop.ok("message.send", one), desk.ok("message.send", other));

    let posts = Posts { too_many: 1.0, ..Posts::default() };
    cloud.running().inject(Plan { posts, ..Plan::default() }).unwrap();
    laptop.ok("message.send", message(&talk, &draft("refused"))).await;
    eventually("the send and two retries are refused", async || cloud.injected("posts.too_many") >= 3).await;
    cloud.running().inject(Plan::default()).unwrap();
    while desk.event().await["type"] != "pull" {}

    let key = json!({ "user": { "S": bob.user.to_string() }, "device": { "S": "desk" } });
    cloud.dynamodb("DeleteItem", json!({ "TableName": cloud.endpoints().tables["routes"], "Key": key })).await;
    desk.ok("sync", json!({})).await;

    let last = ["tidings_route_misses_total{function=\"sync\"}", "tidings_pull_hints_total{function=\"deliver\"}"];
    eventually("the last lines are read", async || {
        let metrics = cloud.metrics().await;
        last.iter().all(|series| metrics.value(series) > 0.0)
    })
    .await;
    let metrics = cloud.metrics().await;
    let value = |series: &str| shown(&metrics, series);
    assert_eq!(value("tidings_conflicts_total{function=\"send\"}"), "1");
    assert_eq!(value("tidings_posts_total{function=\"send\",result=\"failed\"}"), "1");
    assert_eq!(value("tidings_jobs_total{function=\"send\",queue=\"retry\"}"), "1");
    assert_eq!(value("tidings_route_misses_total{function=\"sync\"}"), "1");
    assert_eq!(value("tidings_pull_hints_total{function=\"deliver\"}"), "1");
    end(cloud, [laptop, desk]).await;
}

#[tokio::test]
async fn metrics_can_be_turned_off() {
    let cloud = Cloud::with(|options| {
        options.set("METRICS", "off").unwrap();
    })
    .await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), &draft("one"))).await;
    desk.event().await;
    // As long as it takes to read a line that is there, many times over.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(shown(&cloud.metrics().await, "tidings_sends_total{function=\"send\"}"), "0");
    assert_eq!(cloud.cost("message.send").log_bytes, 0, "nothing else is logged when all is well");
    end(cloud, [laptop, desk]).await;
}

/// Names that start with `tidings_` in a text.
fn names(text: &str) -> Vec<&str> {
    let is_name = |one: char| one.is_ascii_alphanumeric() || one == '_';
    text.split(|one| !is_name(one)).filter(|name| name.starts_with("tidings_")).collect()
}

#[tokio::test]
async fn the_dashboard_names_what_is_served() {
    let path = workspace().join("localstack/grafana/tidings.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(&path)).unwrap()).unwrap();
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, desk) = talk(&cloud).await;
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), &draft("one"))).await;
    let metrics = cloud.metrics().await;
    let served = metrics.names();
    let mut shown = 0;
    for panel in dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row") {
        for target in panel["targets"].as_array().unwrap() {
            let expression = target["expr"].as_str().unwrap();
            assert!(!names(expression).is_empty(), "{expression}");
            for name in names(expression) {
                assert!(served.contains(name), "{}: {name} is not served; there are {served:?}", panel["title"]);
                shown += 1;
            }
        }
    }
    assert!(shown > 20, "{shown}");
    // And the other way round: what functions count can be seen.
    let text = dashboard.to_string();
    for row in tidings_metrics::METRICS {
        assert!(text.contains(row.series.family), "{} is on no panel", row.name);
    }
    end(cloud, [laptop, desk]).await;
}

/// The page is told by one stream what was and what comes, and is allowed nothing but that.
#[tokio::test]
async fn the_page_is_told_as_it_happens() {
    let cloud = Cloud::start().await;
    let api = cloud.endpoints().api.clone();
    let page = cloud.http.get(format!("{api}/_local/watch")).send().await.unwrap();
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(cloud.http.get(&api).send().await.unwrap().text().await.unwrap().contains("href=\"/_local/watch\""));

    let mut stream = cloud.http.get(format!("{api}/_local/watch/events")).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let (ann, bob, mut laptop, desk) = talk(&cloud).await;
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), &draft("one"))).await;
    let (mut told, mut samples) = (String::new(), 0);
    let seen = async {
        loop {
            told.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
            while let Some((event, rest)) =
                told.split_once("\n\n").map(|(event, rest)| (event.to_owned(), rest.to_owned()))
            {
                told = rest;
                let Some(sample) = event.strip_prefix("event: sample\ndata: ") else { continue };
                samples += 1;
                let sample: Value = serde_json::from_str(sample).unwrap();
                if sample["counts"]["Sends"] == 1 && sample["state"]["sockets"] == 2 {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.expect("the send shows");
    assert!(samples > 0);
    drop(stream);
    end(cloud, [laptop, desk]).await;
}
