//! Processes of functions that are killed, and clocks that are off.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidings_local::faults::{ALL_OTHERS, Kills, Plan};

use crate::common::{PATIENCE, TestCloud, until};
use crate::counts;

fn kill(function: &str, kills: Kills) -> Plan {
    Plan { functions: BTreeMap::from([(function.to_owned(), kills)]), ..Plan::default() }
}

#[tokio::test]
async fn a_killed_process_is_a_crash_and_is_replaced() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let written = || cloud.running.ledger().use_case("message.send").write_units;
    for (when, kills, writes) in [
        ("before", Kills { before: 1.0, ..Kills::default() }, 0.0),
        ("after", Kills { after: 1.0, ..Kills::default() }, 1.0),
    ] {
        let old = socket.ask(json!({})).await["pid"].clone();
        let before = written();
        cloud.running.reset_injected();
        cloud.running.inject(kill("send", kills)).unwrap();
        let answer = socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
        assert_eq!(answer["message"], "Internal server error", "{when}");
        assert!((written() - before - writes).abs() < 1e-9, "{when}");
        assert_eq!(cloud.running.injected(), counts([(&format!("functions.send.{when}"), 1)]));
        cloud.running.inject(Plan::default()).unwrap();
        let new = socket.ask(json!({})).await;
        assert_eq!(new["calls"], 1, "{when}");
        assert_ne!(new["pid"], old, "{when}");
    }
    // A plan for another function does nothing to this one; a plan for all others does.
    let before = Kills { before: 1.0, ..Kills::default() };
    cloud.running.inject(kill("sync", before)).unwrap();
    assert!(socket.ask(json!({})).await["pid"].is_number());
    cloud.running.inject(kill(ALL_OTHERS, before)).unwrap();
    assert_eq!(socket.ask(json!({})).await["message"], "Internal server error");
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_process_is_killed_just_before_and_just_after_its_call_takes_effect() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let written = || cloud.running.ledger().use_case("message.send").write_units;
    let mut ends = BTreeMap::new();
    // A plan that kills nobody, so that it is known how many steps there are.
    cloud.running.inject(kill("send", Kills { during: 1e-9, ..Kills::default() })).unwrap();
    socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
    for seed in 1..=12 {
        let during = Kills { during: 1.0, ..Kills::default() };
        cloud.running.inject(Plan { seed, ..kill("send", during) }).unwrap();
        let before = written();
        let answer = socket.ask(json!({"do": "table", "conversation": "d:a:b"})).await;
        let end = answer["outcome"].as_str().or(answer["message"].as_str()).unwrap().to_owned();
        *ends.entry((end, (written() - before).to_string())).or_insert(0) += 1;
    }
    let end = |end: &str, written: &str| (end.to_owned(), written.to_owned());
    let killed = [end("Internal server error", "0"), end("Internal server error", "1")];
    // Beyond the last step nobody is killed.
    let all: BTreeSet<_> = killed.iter().cloned().chain([end("done", "1")]).collect();
    assert_eq!(ends.keys().cloned().collect::<BTreeSet<_>>(), all);
    let kills = killed.iter().map(|end| ends[end]).sum();
    assert_eq!(cloud.running.injected(), counts([("functions.send.during", kills)]));
    cloud.running.inject(Plan::default()).unwrap();
    assert!(socket.ask(json!({})).await["calls"].is_number());
    until("nobody is left over", || async {
        let send = cloud.running.state().await.functions["send"];
        (send.waiting, send.starting, send.working) == (0, 0, 0)
    })
    .await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_call_that_outlives_its_caller_ends() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    cloud.running.inject(kill("send", Kills { during: 1.0, ..Kills::default() })).unwrap();
    socket.command(json!({"do": "sleep", "ms": "900"})).await;
    until("it works", || async { cloud.running.state().await.functions["send"].working == 1 }).await;
    // Calls of another function, with the keys of the three environments that there are: the host carries such a
    // call on without its caller. Only one of the three is at work.
    let mut statuses = Vec::new();
    for environment in 1..=3 {
        let url = cloud.url("/2015-03-31/functions/sync/invocations");
        let signature =
            format!("AWS4-HMAC-SHA256 Credential=LOCAL{environment}/20261124/us-east-1/lambda/aws4_request");
        let call = reqwest::Client::new().post(url).header("authorization", signature);
        let answer = call.timeout(PATIENCE).send().await.expect("an answer in time");
        statuses.push(answer.status().as_u16());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 500]);
    assert_eq!(socket.next().await["message"], "Internal server error");
    until("nothing is under way", || async { cloud.running.state().await.unrest().is_empty() }).await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn clocks_of_new_processes_are_off() {
    const SKEW_MS: i64 = 5_000;
    let cloud = TestCloud::start_with(|options| {
        options.faults = Plan { clock_skew_ms: 5_000, ..kill("send", Kills { after: 0.5, ..Kills::default() }) };
    })
    .await;
    let mut socket = cloud.connect("alice").await;
    let mut offsets = BTreeSet::new();
    for _ in 0..12 {
        let answer = socket.ask(json!({"do": "settings"})).await;
        if let Some(offset) = answer["clock_offset_ms"].as_str() {
            offsets.insert(offset.parse::<i64>().unwrap());
        }
    }
    assert!(offsets.len() > 1, "each has its own: {offsets:?}");
    assert!(offsets.iter().all(|offset| (-SKEW_MS..=SKEW_MS).contains(offset)), "{offsets:?}");
    assert!(cloud.running.injected()["clock.skewed"] > offsets.len() as u64, "the authorizer's is off, too");
    cloud.running.stop().await;
    let cloud = TestCloud::start().await;
    let answer: Value = cloud.connect("alice").await.ask(json!({"do": "settings"})).await;
    assert_eq!(answer["clock_offset_ms"], "");
    cloud.running.stop().await;
}
