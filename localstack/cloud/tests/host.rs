//! The Lambda host: real processes, warm and cold, frozen, crashed and replaced.

#[cfg(test)]
mod common;

use std::time::Duration;

use common::{TestCloud, until};
use serde_json::{Value, json};

#[tokio::test]
async fn a_warm_process_is_used_again() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let first = socket.ask(json!({})).await;
    for n in 2..6 {
        let next = socket.ask(json!({})).await;
        assert_eq!((&next["pid"], &next["calls"]), (&first["pid"], &json!(n)));
    }
    let ledger = cloud.running.ledger().use_case("message.send");
    assert_eq!((ledger.invocations, ledger.cold_starts), (5, 1));
    assert!(ledger.gb_ms >= 5.0 * 0.25, "whole milliseconds of 256 MB: {}", ledger.gb_ms);
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_process_is_frozen_between_calls() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let pid = socket.ask(json!({"do": "tick"})).await["pid"].clone();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let state = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    assert!(state.contains("State:\tT"), "stopped: {state}");
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ticks = socket.ask(json!({"do": "ticks"})).await;
    assert_eq!(ticks["pid"], pid);
    assert!(ticks["ticks"].as_u64().unwrap() < 20, "100 would have been: {ticks}");
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_ended_and_replaced() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let old = socket.ask(json!({})).await["pid"].clone();
    let answer = socket.ask(json!({"do": "sleep", "ms": "10000"})).await;
    assert_eq!(answer["message"], "Internal server error");
    let new = socket.ask(json!({})).await;
    assert_ne!(new["pid"], old);
    assert_eq!(new["calls"], 1);
    until("the old process is gone", || async { !alive(&old) }).await;
    assert_eq!(cloud.running.ledger().use_case("message.send").failed_invocations, 1);
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_crashed_process_is_replaced() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let old = socket.ask(json!({})).await["pid"].clone();
    assert_eq!(socket.ask(json!({"do": "crash"})).await["message"], "Internal server error");
    let new = socket.ask(json!({})).await;
    assert_ne!(new["pid"], old);
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_process_that_dies_frozen_costs_nobody_an_answer() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    for _ in 0..5 {
        let pid = socket.ask(json!({})).await["pid"].clone();
        let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(killed.success());
        until("it is gone", || async { !alive(&pid) }).await;
        until("the host knows", || async { cloud.running.processes("send").is_empty() }).await;
        assert_ne!(socket.ask(json!({})).await["pid"], pid);
    }
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_function_that_does_not_start_fails_its_calls() {
    let cloud = TestCloud::start_with(|options| {
        options.set("LOG_LEVEL", "die-at-start").unwrap();
    })
    .await;
    assert_eq!(cloud.try_connect("?ticket=alice").await.err(), Some(500));
    cloud.running.stop().await;
}

#[tokio::test]
async fn more_calls_than_processes_wait_in_line() {
    let cloud = TestCloud::start_with(|options| options.limits.environments = 2).await;
    let mut socket = cloud.connect("alice").await;
    for _ in 0..8 {
        socket.command(json!({"do": "sleep", "ms": "50"})).await;
    }
    for _ in 0..8 {
        assert_eq!(socket.next().await["slept"], "50");
    }
    assert_eq!(cloud.running.processes("send").len(), 2);
    cloud.running.stop().await;
}

#[tokio::test]
async fn an_account_full_of_calls_throttles() {
    let cloud = TestCloud::start_with(|options| options.limits.account_concurrency = 1).await;
    let mut socket = cloud.connect("alice").await;
    socket.command(json!({"do": "sleep", "ms": "300"})).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(socket.ask(json!({})).await["message"], "Internal server error");
    assert_eq!(socket.next().await["slept"], "300");
    cloud.running.stop().await;
}

#[tokio::test]
async fn idle_processes_end() {
    let cloud = TestCloud::start_with(|options| options.limits.environment_idle = Duration::from_millis(300)).await;
    let mut socket = cloud.connect("alice").await;
    socket.ask(json!({})).await;
    assert_eq!(cloud.running.processes("send").len(), 1);
    until("nobody is left", || async { cloud.running.processes("send").is_empty() }).await;
    assert!(socket.ask(json!({})).await["pid"].is_number(), "and the next call starts one");
    cloud.running.stop().await;
}

#[tokio::test]
async fn nothing_is_left_after_the_end() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let pid = socket.ask(json!({})).await["pid"].clone();
    assert!(alive(&pid));
    cloud.running.stop().await;
    assert!(!alive(&pid));
    assert_eq!(socket.close_code().await, Some(1001));
}

#[tokio::test]
async fn any_aws_client_can_call_a_function() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::new();
    let url = cloud.url("/2015-03-31/functions/send/invocations");
    let invoke = |body: Value, kind: &'static str| {
        http.post(&url).header("x-amz-invocation-type", kind).body(json!({"body": body.to_string()}).to_string()).send()
    };
    let answer = invoke(json!({"do": "sleep", "ms": "1"}), "RequestResponse").await.unwrap();
    assert!(answer.headers().get("x-amz-function-error").is_none());
    assert_eq!(answer.json::<Value>().await.unwrap()["statusCode"], 200);
    let answer = invoke(json!({"do": "fail"}), "RequestResponse").await.unwrap();
    assert_eq!(answer.headers()["x-amz-function-error"], "Unhandled");
    assert_eq!(answer.json::<Value>().await.unwrap()["errorMessage"], "told to fail");
    let answer = invoke(json!({"do": "sleep", "ms": "500"}), "Event").await.unwrap();
    assert_eq!(answer.status(), 202);
    let missing = http.post(cloud.url("/2015-03-31/functions/nobody/invocations")).send().await.unwrap();
    assert_eq!(missing.status(), 404);
    until("three calls are booked", || async { cloud.running.ledger().use_case("external").invocations == 3 }).await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_undo_a_call() {
    let cloud = TestCloud::start().await;
    let http = reqwest::Client::builder().timeout(Duration::from_millis(150)).build().unwrap();
    let gone = http.post(cloud.url("/v1/accounts?do=sleep&ms=600")).send().await;
    assert!(gone.unwrap_err().is_timeout());
    until("it ran to its end", || async { cloud.running.ledger().use_case("POST /v1/accounts").gb_ms > 100.0 }).await;
    assert_eq!(cloud.running.ledger().use_case("POST /v1/accounts").failed_invocations, 0);
    cloud.running.stop().await;
}

fn alive(pid: &Value) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
