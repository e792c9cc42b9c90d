//! COST-1: each action within the budget that the table of actions declares, in the case that it names.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tidings_e2e::person::client_id;
use tidings_e2e::{Cloud, Person, Socket};
use tidings_local::ledger::Counters;
use tidings_protocol::actions::{ACTIONS, action};

/// Texts of 256 bytes, as the declared prices are for.
fn message(conversation: &str, after: u64) -> Value {
    let body = json!({ "type": "text", "text": "x".repeat(256) });
    json!({ "conversation": conversation, "after": after, "client_id": client_id(), "body": body })
}

#[expect(clippy::cast_precision_loss, reason = "a handful of calls")]
fn assert_within_budget(name: &str, spent: &Counters, times: u32) {
    let budget = action(name).unwrap().budget;
    let each = |units: f64| units / f64::from(times);
    for (what, spent, allowed) in [
        ("gateway messages", spent.gateway_messages as f64, budget.gateway_messages),
        ("write units", spent.write_units, budget.write_units),
        ("read units", spent.read_units, budget.read_units),
        ("invocations", spent.invocations as f64, budget.invocations),
        ("queue requests", spent.queue_requests as f64, budget.queue_requests),
    ] {
        assert!(each(spent) <= f64::from(allowed), "{name}: {} {what}, and its budget is {allowed}", each(spent));
    }
}

struct Stage {
    cloud: Cloud,
    ann: Person,
    bob: Person,
    laptop: Socket,
    desk: Socket,
    talk: String,
}

impl Stage {
    /// Two people with one online device each, in a lively conversation.
    async fn set() -> Self {
        let cloud = Cloud::start().await;
        let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
        let mut laptop = ann.online(&cloud, "laptop").await;
        let mut desk = bob.online(&cloud, "desk").await;
        let talk = ann.with(&bob).to_string();
        laptop.ok("message.send", message(&talk, 0)).await;
        desk.event().await;
        cloud.running().reset_ledger();
        Self { cloud, ann, bob, laptop, desk, talk }
    }

    /// What a notice of typing has cost: its post is heard before it is booked.
    async fn typed(&self) -> Counters {
        let booked = async || self.cloud.cost("typing").gateway_messages > 1;
        tidings_e2e::cloud::eventually("the post", booked).await;
        self.spent("typing")
    }

    /// What the use case has spent, and from now on again.
    fn spent(&self, use_case: &str) -> Counters {
        let spent = self.cloud.cost(use_case);
        self.cloud.running().reset_ledger();
        spent
    }
}

#[tokio::test]
async fn every_action_keeps_its_budget() {
    let mut stage = Stage::set().await;
    let mut checked = BTreeSet::new();
    let mut check = |name: &'static str, spent: Counters, times: u32| {
        assert!(spent.gateway_messages > 0 || name.starts_with('$'), "{name} was not measured: {spent:?}");
        assert_within_budget(name, &spent, times);
        checked.insert(name);
    };

    for after in 1..=10 {
        stage.laptop.ok("message.send", message(&stage.talk, after)).await;
        stage.desk.event().await;
    }
    let sent = stage.spent("message.send");
    assert_eq!((sent.invocations, sent.write_units, sent.gateway_messages, sent.queue_requests), (10, 10.0, 30, 0));
    assert!(sent.read_units > 0.0);
    check("message.send", sent, 10);

    stage.desk.ok("conversation.read", json!({ "conversation": stage.talk, "seq": 5 })).await;
    stage.laptop.event().await;
    check("conversation.read", stage.spent("conversation.read"), 1);

    stage.desk.ok("history", json!({ "conversation": stage.talk, "limit": 5 })).await;
    check("history", stage.spent("history"), 1);

    stage.desk.ok("user.get", json!({ "username": stage.ann.username })).await;
    check("user.get", stage.spent("user.get"), 1);

    for number in 0..20 {
        stage.cloud.person(&format!("crowd{number}")).await;
    }
    stage.cloud.running().reset_ledger();
    let found = stage.desk.ok("user.search", json!({ "prefix": "crowd" })).await;
    assert_eq!(found["users"].as_array().unwrap().len(), 20);
    check("user.search", stage.spent("user.search"), 1);

    stage.bob.username.push_str("_2");
    stage.desk.ok("user.update", json!({ "client_id": client_id(), "username": stage.bob.username })).await;
    let updated = stage.spent("user.update");
    assert_eq!((updated.write_units, updated.read_units), (14.0, 2.0));
    check("user.update", updated, 1);

    for name in ["one", "two", "three"] {
        let friend = stage.cloud.person(name).await;
        stage.desk.ok("message.send", message(&stage.bob.with(&friend).to_string(), 0)).await;
    }
    stage.cloud.running().reset_ledger();
    let synced = stage.desk.ok("sync", json!({})).await;
    assert_eq!(synced["conversations"].as_array().unwrap().len(), 5);
    check("sync", stage.spent("sync"), 1);

    for number in 0..8 {
        stage.bob.device(&stage.cloud, &format!("device-{number}")).await;
    }
    let tablet = stage.bob.online(&stage.cloud, "tablet").await;
    stage.cloud.running().reset_ledger();
    let devices = stage.desk.ok("device.list", json!({})).await;
    assert_eq!(devices["devices"].as_array().unwrap().len(), 10);
    check("device.list", stage.spent("device.list"), 1);
    stage.desk.ok("device.sign_out", json!({ "client_id": client_id(), "device": "tablet" })).await;
    check("device.sign_out", stage.spent("device.sign_out"), 1);
    tablet.close().await;

    let bob = [stage.bob.user.to_string()];
    stage.laptop.ok("presence.query", json!({ "users": bob })).await;
    check("presence.query", stage.spent("presence.query"), 1);
    stage.laptop.ok("presence.watch", json!({ "users": bob, "seconds": 1 })).await;
    check("presence.watch", stage.spent("presence.watch"), 1);
    stage.laptop.ok("presence.watch", json!({ "users": [] })).await;
    stage.laptop.send_text(json!({ "action": "typing", "conversation": stage.talk }).to_string()).await;
    stage.desk.event().await;
    check("typing", stage.typed().await, 1);

    stage.desk.ask("dance", json!({})).await;
    check("$default", stage.spent("$default"), 1);
    stage.desk.send_text(r#"{"action":"ping"}"#).await;
    assert!(stage.desk.is_quiet(200).await);
    check("ping", stage.spent("ping"), 1);

    let device = stage.bob.device(&stage.cloud, "tablet").await;
    stage.cloud.running().reset_ledger();
    let tablet = device.connect(&stage.cloud).await;
    let connected = stage.spent("$connect");
    assert_eq!((connected.write_units, connected.read_units), (1.0, 1.0));
    check("$connect", connected, 1);
    tablet.close().await;
    tidings_e2e::cloud::eventually("the disconnect", async || stage.cloud.cost("$disconnect").write_units > 0.0).await;
    check("$disconnect", stage.spent("$disconnect"), 1);

    for (name, spent) in groups(&mut stage).await {
        check(name, spent, 1);
    }

    for (name, spent) in contacts(&mut stage).await {
        check(name, spent, 1);
    }

    let all: BTreeSet<_> = ACTIONS.iter().map(|action| action.name).collect();
    assert_eq!(checked, all, "an action has a budget that nobody checks");
    stage.cloud.stop().await;
}

/// The life of a group of two, and what each step of it cost.
async fn groups(stage: &mut Stage) -> Vec<(&'static str, Counters)> {
    let bob = stage.bob.user.to_string();
    let founding = json!({ "client_id": client_id(), "name": "Club", "members": [bob], "joining": "open" });
    stage.cloud.running().reset_ledger();
    let group = stage.laptop.ok("group.create", founding).await["group"].clone();
    let mut all = vec![("group.create", stage.spent("group.create"))];
    let typing = json!({ "action": "typing", "conversation": format!("g:{}", group.as_str().unwrap()) });
    stage.laptop.send_text(typing.to_string()).await;
    let typed = stage.typed().await;
    assert!(typed.write_units == 0.0 && typed.read_units <= 12.0, "once a member and ten times more: {typed:?}");
    let with_bob = json!({ "user": bob });
    let link = json!({ "seconds": 60 });
    for (by_bob, action, fields) in [
        (false, "group.info", json!({})),
        (false, "group.update", json!({ "name": "Book club" })),
        (false, "group.members", json!({})),
        (false, "group.member", with_bob.clone()),
        (false, "group.announce", json!({ "text": "Friday" })),
        (false, "group.mute", json!({ "user": bob, "muted": true, "seconds": 60 })),
        (true, "group.nickname", json!({ "nickname": "Bobby" })),
        (true, "group.remark", json!({ "remark": "Books" })),
        (false, "group.role", json!({ "user": bob, "admin": true })),
        (false, "group.link", link),
        (false, "group.requests", json!({})),
        (false, "group.list", Value::Null),
        (false, "group.kick", with_bob.clone()),
        (false, "group.invite", with_bob.clone()),
        (true, "group.join", json!({})),
        (true, "group.leave", json!({})),
    ] {
        let socket = if by_bob { &mut stage.desk } else { &mut stage.laptop };
        change(socket, action, &group, &fields).await;
        all.push((action, stage.spent(action)));
    }
    change(&mut stage.laptop, "group.update", &group, &json!({ "joining": "approval" })).await;
    change(&mut stage.desk, "group.join", &group, &json!({ "greeting": "Let me in" })).await;
    stage.cloud.running().reset_ledger();
    for (action, fields) in [("group.answer", json!({ "user": bob, "accept": true })), ("group.transfer", with_bob)] {
        change(&mut stage.laptop, action, &group, &fields).await;
        all.push((action, stage.spent(action)));
    }
    change(&mut stage.desk, "group.dissolve", &group, &json!({})).await;
    all.push(("group.dissolve", stage.spent("group.dissolve")));
    all
}

/// The life of a contact, and what each step of it cost.
async fn contacts(stage: &mut Stage) -> Vec<(&'static str, Counters)> {
    let (ann, bob) = (stage.ann.user.to_string(), stage.bob.user.to_string());
    let mut all = Vec::new();
    for (by_bob, action, fields) in [
        (false, "contact.request", json!({ "greeting": "Hello!" })),
        (true, "contact.answer", json!({ "accept": true })),
        (false, "contact.remark", json!({ "remark": "Bobby", "tags": ["work"] })),
        (false, "contact.block", json!({})),
        (false, "contact.blocked", Value::Null),
        (false, "contact.unblock", json!({})),
        (false, "contact.list", json!({ "since": 1 })),
        (false, "contact.remove", json!({})),
    ] {
        let (socket, other) = if by_bob { (&mut stage.desk, &ann) } else { (&mut stage.laptop, &bob) };
        let mut request = json!({ "user": other, "client_id": client_id() });
        request.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap_or_default());
        stage.cloud.running().reset_ledger();
        socket.ok(action, request).await;
        all.push((action, stage.spent(action)));
    }
    all
}

async fn change(socket: &mut Socket, action: &str, group: &Value, fields: &Value) {
    let mut request = json!({ "group": group, "client_id": client_id() });
    request.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap_or_default());
    socket.ok(action, request).await;
}
