//! Frames and posts: cut, refused, answered by the gateway itself.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use serde_json::json;
use tidings_local::faults::{Plan, Posts, Sockets};

use crate::common::{PATIENCE, TestCloud, until};
use crate::counts;

/// Rounds in which a coin comes up on both sides: each has a seed of its own.
const ROUNDS: u64 = 8;

fn cut(seed: u64) -> Plan {
    Plan { seed, sockets: Sockets { cut: 1.0, ..Sockets::default() }, ..Plan::default() }
}

#[tokio::test]
async fn posts_are_refused_and_not_posted() {
    let cloud = TestCloud::start().await;
    let mut alice = cloud.connect("alice").await;
    let mut bob = cloud.connect("bob").await;
    let bob_id = bob.id().await;
    let post = |text: &str| json!({"do": "post", "connection": bob_id, "text": text});
    for (posts, outcome) in [
        (Posts { too_many: 1.0, ..Posts::default() }, "limit"),
        (Posts { gone: 1.0, ..Posts::default() }, "gone"),
        (Posts { too_large: 1.0, ..Posts::default() }, "too large"),
    ] {
        cloud.running.inject(Plan { posts, ..Plan::default() }).unwrap();
        assert_eq!(alice.ask(post("1")).await["outcome"], outcome);
    }
    cloud.running.inject(Plan::default()).unwrap();
    assert_eq!(alice.ask(post("2")).await["outcome"], "posted");
    assert_eq!(bob.next().await, json!(2), "the refused ones never arrive");
    let all = counts([("posts.gone", 1), ("posts.too_large", 1), ("posts.too_many", 1)]);
    assert_eq!(cloud.running.injected(), all);
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_cut_at_a_frame_loses_the_frame_or_the_reply() {
    let cloud = TestCloud::start().await;
    let calls = |use_case| cloud.running.ledger().use_case(use_case).invocations;
    let mut called = BTreeSet::new();
    for seed in 1..=ROUNDS {
        let mut socket = cloud.connect("alice").await;
        socket.id().await;
        cloud.running.inject(cut(seed)).unwrap();
        let before = calls("message.send");
        socket.command(json!({})).await;
        assert_eq!(socket.closed().await, None, "no close frame");
        called.insert(calls("message.send") - before);
        until("$disconnect is called", || async { calls("$disconnect") == seed }).await;
        cloud.running.inject(Plan::default()).unwrap();
    }
    assert_eq!(called, BTreeSet::from([0, 1]), "before the call, and after it");
    assert_eq!(cloud.running.injected(), counts([("sockets.cut", ROUNDS)]));
    assert_eq!(cloud.running.open_sockets(), 0);
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_cut_at_a_post_loses_what_was_taken() {
    let cloud = TestCloud::start().await;
    let mut bob = cloud.connect("bob").await;
    let bob_id = bob.id().await;
    cloud.running.inject(cut(1)).unwrap();
    let url = cloud.url("/v1/accounts");
    let query = [("do", "post"), ("connection", &bob_id), ("text", "1")];
    let answer = reqwest::Client::new().post(url).query(&query).send().await.unwrap();
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["outcome"], "posted");
    let end = tokio::time::timeout(PATIENCE, bob.stream.next()).await.unwrap();
    assert!(matches!(end, None | Some(Err(_))), "nothing arrives before the end, not even a close: {end:?}");
    assert_eq!(cloud.running.injected(), counts([("sockets.cut", 1)]));
    cloud.running.stop().await;
}

#[tokio::test]
async fn the_gateway_answers_instead_of_the_function() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let id = socket.id().await;
    let calls = || cloud.running.ledger().use_case("message.send").invocations;
    let mut called = BTreeSet::new();
    for seed in 1..=ROUNDS {
        let sockets = Sockets { error_frame: 1.0, ..Sockets::default() };
        cloud.running.inject(Plan { seed, sockets, ..Plan::default() }).unwrap();
        let before = calls();
        let answer = socket.ask(json!({})).await;
        assert_eq!((&answer["message"], &answer["connectionId"]), (&json!("Internal server error"), &json!(id)));
        assert!(answer["requestId"].is_string());
        called.insert(calls() - before);
    }
    assert_eq!(called, BTreeSet::from([0, 1]), "without the function, and after it");
    assert_eq!(cloud.running.injected(), counts([("sockets.error_frame", ROUNDS)]));
    cloud.running.inject(Plan::default()).unwrap();
    assert_eq!(socket.id().await, id, "the socket stays");
    cloud.running.stop().await;
}
