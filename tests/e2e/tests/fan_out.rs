//! What the queues carry: fan-out, retries, tasks, and what is no job at all.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidings_domain::delivery::Event;
use tidings_domain::fan_out;
use tidings_domain::identity::Platform;
use tidings_domain::ids::ConnectionId;
use tidings_domain::log::Seq;
use tidings_domain::posting::Retry;
use tidings_domain::route::Route;
use tidings_domain::shard::shard_of;
use tidings_domain::time::Timestamp;
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::client_id;
use tidings_e2e::queue::task;
use tidings_e2e::{Cloud, Person, Socket};
use tidings_local::Options;
use tidings_local::faults::{Calls, Plan, Posts, Services, Wait};
use tidings_wire::job::Job;

fn message(conversation: &str, text: &str) -> Value {
    json!({ "conversation": conversation, "client_id": client_id(), "body": { "type": "text", "text": text } })
}

fn queue_everything(options: &mut Options) {
    options.set("INLINE_PUSH_MAX", "0").unwrap();
    options.set("FANOUT_SHARDS", "4").unwrap();
}

/// Ann at her laptop and Bob at his desk, both online.
async fn talk(cloud: &Cloud) -> (Person, Person, Socket, Socket) {
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (laptop, desk) = (ann.online(cloud, "laptop").await, bob.online(cloud, "desk").await);
    (ann, bob, laptop, desk)
}

async fn end<const N: usize>(cloud: Cloud, sockets: [Socket; N]) {
    for socket in sockets {
        socket.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn a_job_reaches_every_device_with_one_post_each() {
    let cloud = Cloud::with(queue_everything).await;
    let bob = cloud.person("bob").await;
    let (mut desk, mut phone) = (bob.online(&cloud, "desk").await, bob.online(&cloud, "phone").await);
    let ann = cloud.person("ann").await;
    let mut laptop = ann.online(&cloud, "laptop").await;

    laptop.ok("message.send", message(&ann.with(&bob).to_string(), "one")).await;
    for socket in [&mut desk, &mut phone] {
        let event = socket.event().await;
        assert_eq!((&event["type"], &event["entry"]["seq"]), (&json!("entry"), &json!(1)));
    }
    assert!(laptop.is_quiet(200).await, "the sender was answered");
    let sent = cloud.cost("message.send");
    assert_eq!((sent.gateway_messages, sent.queue_requests), (2, 1), "the frame, its reply, one job");
    let posted: u64 = (0..4).map(|shard| cloud.cost(&format!("queue:fanout-{shard}")).gateway_messages).sum();
    assert_eq!(posted, 2, "one post for each device");
    end(cloud, [desk, phone, laptop]).await;
}

/// More devices than a sender posts to itself: with every parameter as it is deployed, through every shard's queue.
#[tokio::test]
async fn many_devices_are_told_through_each_shards_queue() {
    const DEVICES: usize = 6;
    let cloud = Cloud::start().await;
    let shards = cloud.endpoints().queues.keys().filter(|name| is_fan_out(name)).count();
    let bob = cloud.person("bob").await;
    let mut devices = Vec::new();
    for number in 0..DEVICES {
        devices.push(bob.online(&cloud, &format!("device-{number}")).await);
    }
    let mut reached = BTreeSet::new();
    while reached.len() < shards {
        let ann = cloud.person("ann").await;
        let conversation = ann.with(&bob);
        if !reached.insert(shard_of(conversation, shards)) {
            continue;
        }
        let mut laptop = ann.online(&cloud, "laptop").await;
        laptop.ok("message.send", message(&conversation.to_string(), "one")).await;
        for device in &mut devices {
            assert_eq!(device.event().await["conversation"], conversation.to_string());
        }
        laptop.close().await;
    }
    for device in devices {
        device.close().await;
    }
    cloud.stop().await;
}

fn is_fan_out(queue: &str) -> bool {
    queue.starts_with("fanout-") && !queue.ends_with("-dlq")
}

/// A retry as `send` leaves it in its queue, by hand: its connection is told all the same.
#[tokio::test]
async fn a_retry_reaches_its_connection() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), "one")).await;
    desk.event().await;
    let route = cloud.route(bob.user, "desk").await;
    let at = |name: &str| Timestamp::from_millis(route[name]["N"].as_str().unwrap().parse().unwrap());
    let retry = Retry {
        routes: vec![Route {
            user: bob.user,
            device: "desk".parse().unwrap(),
            platform: Platform::Desktop,
            connection: ConnectionId::new(route["connection_id"]["S"].as_str().unwrap()),
            ticket_at: at("ticket_at"),
            connected_at: at("connected_at"),
        }],
        events: vec![Event::Read { conversation: ann.with(&bob), user: ann.user, seq: Seq::FIRST }],
        tries: 1,
    };
    cloud.enqueue("retry", &Job::Deliver(fan_out::Job::Retry(retry)).encode().unwrap()).await;
    let event = desk.event().await;
    assert_eq!((&event["type"], &event["user"]), (&json!("read"), &json!(ann.user.to_string())));
    end(cloud, [laptop, desk]).await;
}

/// A connection that takes nothing is tried with the events, and then with a hint to pull alone.
#[tokio::test]
async fn a_connection_that_takes_nothing_gets_a_hint_to_pull() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let talk = ann.with(&bob).to_string();
    let refuse = Posts { too_many: 1.0, ..Posts::default() };
    cloud.running().inject(Plan { posts: refuse, ..Plan::default() }).unwrap();
    laptop.ok("message.send", message(&talk, "one")).await;
    eventually("the send and two retries are refused", async || cloud.injected("posts.too_many") >= 3).await;
    cloud.running().inject(Plan::default()).unwrap();

    let event = desk.event().await;
    assert_eq!(event["type"], "pull", "{event}");
    assert!(event["within_ms"].as_u64().unwrap() > 0);
    let synced = desk.ok("sync", json!({})).await;
    assert_eq!(synced["conversations"][0]["head_seq"], 1);
    end(cloud, [laptop, desk]).await;
}

/// A connection that takes longer than it may holds up its sender no longer, and is sent less: a hint, at once.
#[tokio::test]
async fn a_slow_connection_gets_a_hint_to_pull() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let slow = Calls { latency: Wait { share: 1.0, ms: [3_000, 3_000] }, ..Calls::default() };
    let services = Services { posts: slow, ..Services::default() };
    cloud.running().inject(Plan { services, ..Plan::default() }).unwrap();
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), "one")).await;
    cloud.running().inject(Plan::default()).unwrap();
    // The slow frame itself may still arrive, before it or after it.
    while desk.event().await["type"] != "pull" {}
    end(cloud, [laptop, desk]).await;
}

/// A frame that is refused for its size would be refused again: the hint comes at once.
#[tokio::test]
async fn what_is_too_large_becomes_a_hint_at_once() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let refuse = Posts { too_large: 1.0, ..Posts::default() };
    cloud.running().inject(Plan { posts: refuse, ..Plan::default() }).unwrap();
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), "one")).await;
    cloud.running().inject(Plan::default()).unwrap();
    assert_eq!(desk.event().await["type"], "pull");
    end(cloud, [laptop, desk]).await;
}

/// The task of a `message.send`, as one that ran out of time leaves it, delivered twice.
#[tokio::test]
async fn a_task_finishes_a_request_and_repeats_nothing() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let talk = ann.with(&bob).to_string();
    let first = message(&talk, "one");
    laptop.ok("message.send", first.clone()).await;
    desk.event().await;

    let task = task(&ann, ann.with(&bob), &first);
    for _ in 0..2 {
        cloud.enqueue("task", &task).await;
        // Shown again to everybody: finishing ends with telling them.
        for socket in [&mut desk, &mut laptop] {
            assert_eq!(socket.event().await["entry"]["seq"], 1);
        }
    }
    let history = desk.ok("history", json!({ "conversation": talk })).await;
    assert_eq!(history["entries"].as_array().unwrap().len(), 1);
    end(cloud, [laptop, desk]).await;
}

/// Tables so slow that `send` has put its message and has no time left to show it: it says so, and its task does the
/// rest, although nobody sends again.
#[tokio::test]
async fn a_send_that_runs_out_of_time_leaves_a_task() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    // Below the SDK's time-out of a second; six calls before the routes are more than the five seconds of a send.
    let slow = Calls { latency: Wait { share: 1.0, ms: [900, 900] }, ..Calls::default() };
    let services = Services { dynamodb: slow, ..Services::default() };
    cloud.running().inject(Plan { services, ..Plan::default() }).unwrap();
    let code = laptop.refused("message.send", message(&ann.with(&bob).to_string(), "one")).await;
    assert_eq!(code, "unavailable");
    cloud.running().inject(Plan::default()).unwrap();
    assert_eq!(desk.event().await["entry"]["seq"], 1);
    assert!(cloud.cost("queue:task").count > 0);
    end(cloud, [laptop, desk]).await;
}

/// BAD-1: a record that is no job ends in the dead-letter queue and holds up nobody.
#[tokio::test]
async fn a_poisoned_record_dies_alone() {
    let cloud = Cloud::with(|options| {
        queue_everything(options);
        (options.limits.receives, options.limits.failed_visibility_s) = (2, Some(1));
    })
    .await;
    let (ann, bob, mut laptop, mut desk) = talk(&cloud).await;
    let queues: BTreeMap<_, _> =
        (0..4).map(|shard| (format!("fanout-{shard}"), format!("fanout-{shard}-dlq"))).collect();
    for queue in queues.keys() {
        cloud.enqueue(queue, r#"{"job":"what"}"#).await;
    }
    laptop.ok("message.send", message(&ann.with(&bob).to_string(), "one")).await;
    assert_eq!(desk.event().await["entry"]["seq"], 1);
    for dead in queues.values() {
        eventually("the record is dead", async || cloud.queued(dead).await == 1).await;
        // Seen, so the guard at the end need not find it.
        cloud.purge(dead).await;
    }
    end(cloud, [laptop, desk]).await;
}
