//! What the cloud says it holds: records, calls, processes, sockets.

#[cfg(test)]
mod common;

use common::{TestCloud, until};
use serde_json::{Value, json};
use tidings_local::faults::{Calls, Plan, Services, Wait};
use tidings_local::state::{FunctionState, QueueState};

#[tokio::test]
async fn calls_and_processes_are_told_apart() {
    let cloud = TestCloud::start_with(|options| options.limits.environments = 1).await;
    let send = || async { cloud.running.state().await.functions["send"] };
    assert_eq!(send().await, FunctionState::default());
    let mut socket = cloud.connect("alice").await;
    socket.ask(json!({})).await;
    until("it has asked for more", || async { send().await == FunctionState { idle: 1, ..Default::default() } }).await;
    assert_eq!(cloud.running.state().await.sockets, 1);
    socket.command(json!({"do": "sleep", "ms": "500"})).await;
    socket.command(json!({})).await;
    let busy = FunctionState { waiting: 1, working: 1, ..FunctionState::default() };
    until("one works and one waits", || async { send().await == busy }).await;
    socket.next().await;
    socket.next().await;
    until("all is done", || async { send().await == FunctionState { idle: 1, ..Default::default() } }).await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_late_call_is_under_way_though_no_function_knows_of_it() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    socket.ask(json!({})).await;
    let unrest = || async { cloud.running.state().await.unrest() };
    until("all is at rest", || async { unrest().await.is_empty() }).await;
    let latency = Wait { share: 1.0, ms: [1_000, 1_000] };
    let services = Services { lambda: Calls { latency, ..Calls::default() }, ..Services::default() };
    cloud.running.inject(Plan { services, ..Plan::default() }).unwrap();
    socket.command(json!({})).await;
    until("it is late", || async { cloud.running.injected().contains_key("lambda.latency") }).await;
    assert_eq!(unrest().await, ["1 calls or batches under way"]);
    socket.next().await;
    until("all is at rest", || async { unrest().await.is_empty() }).await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn records_are_told_apart() {
    let cloud = TestCloud::start_with(|options| options.limits.failed_visibility_s = None).await;
    let queue = |name: &'static str| async { cloud.running.state().await.queues[name] };
    // Nobody reads the task queue of the test's functions.
    cloud.enqueue("task", &json!({})).await;
    let sqs = cloud.sqs().await;
    let url = &cloud.running.endpoints().queues["task"];
    sqs.send_message().queue_url(url).message_body("later").delay_seconds(600).send().await.unwrap();
    assert_eq!(queue("task").await, QueueState { visible: 1, in_flight: 0, delayed: 1 });
    sqs.receive_message().queue_url(url).send().await.unwrap();
    assert_eq!(queue("task").await, QueueState { visible: 0, in_flight: 1, delayed: 1 });
    assert_eq!(queue("task").await.records(), 2);
    assert_eq!(queue("task-dlq").await, QueueState::default());
    // The same over HTTP.
    let http: Value = reqwest::get(cloud.url("/_local/state")).await.unwrap().json().await.unwrap();
    assert_eq!(http["queues"]["task"], json!({"visible": 0, "in_flight": 1, "delayed": 1}));
    assert_eq!(http["functions"]["send"], json!({"waiting": 0, "starting": 0, "working": 0, "idle": 0}));
    assert_eq!(http["sockets"], 0);
    cloud.running.stop().await;
}
