//! Contacts over real sockets: what people are to each other, on every device of both, and who may write to whom.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidings_domain::ids::UserId;
use tidings_e2e::person::{client_id, now_ms};
use tidings_e2e::{Cloud, Person, Socket};
use tidings_local::faults::{Plan, Posts};

/// How soon a change is seen everywhere.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// What stays out of a list's version for a minute is let through by making the notices older, in milliseconds.
const LONG_AGO_MS: u64 = 2 * 60 * 1_000;

/// A request about somebody, with a client id of its own.
fn about(person: &Person, mut fields: Value) -> Value {
    fields["user"] = json!(person.user.to_string());
    fields["client_id"] = json!(client_id());
    fields
}

fn message(from: &Person, to: &Person) -> Value {
    let body = json!({ "type": "text", "text": "hello" });
    json!({ "conversation": from.with(to).to_string(), "client_id": client_id(), "body": body })
}

/// Each of these devices is told this, in time.
async fn told(sockets: &mut [&mut Socket], news: &Value) {
    let began = Instant::now();
    for socket in sockets {
        let event = socket.event().await;
        assert_eq!((&event["type"], &event["entry"]["body"]), (&json!("entry"), news));
    }
    assert!(began.elapsed() < SEEN_WITHIN, "{news} after {:?}", began.elapsed());
}

/// The next entry of this kind, whatever comes before it.
async fn hears(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let event = socket.event().await;
        if event["entry"]["body"]["type"] == kind {
            return event;
        }
    }
}

/// What somebody has of another: state, and whether they are blocked.
async fn has(socket: &mut Socket, of: &Person) -> (Value, bool) {
    let list = socket.ok("contact.list", json!({})).await;
    assert_eq!((&list["whole"], &list["cursor"]), (&json!(true), &Value::Null));
    let found = list["contacts"].as_array().unwrap().iter().find(|it| it["user"] == json!(of.user.to_string()));
    found.map_or((Value::Null, false), |it| (it["state"].clone(), it["blocked"] == true))
}

async fn befriend(one: (&Person, &mut Socket), other: (&Person, &mut Socket)) {
    one.1.ok("contact.request", about(other.0, json!({}))).await;
    other.1.ok("contact.answer", about(one.0, json!({ "accept": true }))).await;
}

async fn two(cloud: &Cloud) -> ((Person, Socket), (Person, Socket)) {
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (laptop, desk) = (ann.online(cloud, "laptop").await, bob.online(cloud, "desk").await);
    ((ann, laptop), (bob, desk))
}

/// The changes of a life, who makes each, and whether the other one hears of it.
fn life(ann: &Person, bob: &Person) -> Vec<(bool, &'static str, Value, Value, bool)> {
    let (a, b) = (json!(ann.user.to_string()), json!(bob.user.to_string()));
    vec![
        (
            true,
            "contact.request",
            json!({ "greeting": "Hello!" }),
            json!({ "type": "contact_requested", "user": b, "greeting": "Hello!" }),
            true,
        ),
        (
            false,
            "contact.answer",
            json!({ "accept": false }),
            json!({ "type": "contact_answered", "user": a, "accepted": false }),
            true,
        ),
        (false, "contact.request", json!({}), json!({ "type": "contact_requested", "user": a }), true),
        (
            true,
            "contact.answer",
            json!({ "accept": true }),
            json!({ "type": "contact_answered", "user": b, "accepted": true }),
            true,
        ),
        (
            true,
            "contact.remark",
            json!({ "remark": "Bobby", "tags": ["work"] }),
            json!({ "type": "contact_changed", "user": b, "remark": "Bobby", "tags": ["work"] }),
            false,
        ),
        (false, "contact.block", json!({}), json!({ "type": "contact_blocked", "user": a }), false),
        (false, "contact.unblock", json!({}), json!({ "type": "contact_unblocked", "user": a }), false),
        (true, "contact.remove", json!({}), json!({ "type": "contact_removed", "user": b }), true),
    ]
}

#[tokio::test]
async fn every_device_of_both_sees_a_contacts_life() {
    let cloud = Cloud::start().await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let (mut phone, mut tablet) = (ann.online(&cloud, "phone").await, bob.online(&cloud, "tablet").await);
    for (by_ann, action, fields, news, both) in life(&ann, &bob) {
        let request = about(if by_ann { &bob } else { &ann }, fields);
        let mut own = [&mut laptop, &mut phone];
        let mut others = [&mut desk, &mut tablet];
        if !by_ann {
            std::mem::swap(&mut own, &mut others);
        }
        let [asks, sees] = own;
        let changed = asks.ok(action, request.clone()).await;
        told(&mut [sees], &news).await;
        let [one, other] = others;
        if both {
            told(&mut [one, other], &news).await;
        } else {
            assert!(one.is_quiet(200).await && other.is_quiet(0).await, "{action} is nobody else's business");
        }
        if action == "contact.request" {
            // Sent again: all are told again, of the same place.
            let again = sees.ok(action, request).await;
            assert_eq!((&again["seq"], &again["duplicate"]), (&changed["seq"], &json!(true)));
            told(&mut [asks, one, other], &news).await;
        }
    }
    assert_eq!(has(&mut laptop, &bob).await, (Value::Null, false));
    assert_eq!(has(&mut tablet, &ann).await, (Value::Null, false));
    let synced = laptop.ok("sync", json!({})).await;
    let talks: Vec<_> = synced["conversations"].as_array().unwrap().iter().map(|it| &it["conversation"]).collect();
    assert_eq!(talks, [&json!(format!("n:{}", ann.user))], "nothing was said, so there is no conversation");
    for socket in [laptop, phone, desk, tablet] {
        socket.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn a_contacts_life_is_seen_without_pushes() {
    let cloud = Cloud::start().await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let mut tablet = bob.online(&cloud, "tablet").await;
    cloud.inject(Plan { posts: Posts { gone: 1.0, ..Posts::default() }, ..Plan::default() });
    let mut seen = Vec::new();
    for (by_ann, action, fields, news, both) in life(&ann, &bob) {
        let (socket, other) = if by_ann { (&mut laptop, &bob) } else { (&mut desk, &ann) };
        socket.ok(action, about(other, fields)).await;
        if both || !by_ann {
            seen.push(news);
        }
        let page = tablet.ok("sync", json!({})).await;
        let notices =
            page["conversations"].as_array().unwrap().iter().find(|it| it["conversation"] == format!("n:{}", bob.user));
        assert_eq!(notices.unwrap()["head_seq"], seen.len());
        assert_eq!(notices.unwrap()["entries"].as_array().unwrap().last().unwrap()["body"], *seen.last().unwrap());
    }
    cloud.mend();
    for socket in [laptop, desk, tablet] {
        socket.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn who_ask_each_other_at_once_are_contacts() {
    let cloud = Cloud::start().await;
    for _ in 0..5 {
        let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
        let (one, other) = (about(&bob, json!({})), about(&ann, json!({})));
        tokio::join!(laptop.ok("contact.request", one), desk.ok("contact.request", other));
        assert_eq!(has(&mut laptop, &bob).await.0, "friends");
        assert_eq!(has(&mut desk, &ann).await.0, "friends");
        laptop.close().await;
        desk.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let cloud = Cloud::start().await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let nobody = Person { username: String::new(), user: UserId::from_bits(7) };
    for (action, who, fields, code) in [
        ("contact.request", &ann, json!({}), "bad_request"),
        ("contact.request", &nobody, json!({}), "not_found"),
        ("contact.block", &nobody, json!({}), "not_found"),
        ("contact.answer", &bob, json!({ "accept": true }), "not_found"),
        ("contact.remove", &bob, json!({}), "not_found"),
        ("contact.remark", &bob, json!({ "remark": "Bobby" }), "not_found"),
        ("contact.remark", &bob, json!({ "tags": ["a", "b", "c", "d", "e", "f"] }), "bad_request"),
    ] {
        assert_eq!(laptop.refused(action, about(who, fields.clone())).await, code, "{action} {fields}");
    }
    laptop.ok("contact.block", about(&bob, json!({}))).await;
    assert_eq!(laptop.refused("contact.request", about(&bob, json!({}))).await, "forbidden");
    desk.ok("contact.request", about(&ann, json!({}))).await;
    assert_eq!(has(&mut laptop, &bob).await, (Value::Null, true), "nobody is told of a blocked one's request");
    assert_eq!(has(&mut desk, &ann).await, (json!("asked"), false));
    for limit in [0, 101] {
        assert_eq!(laptop.refused("contact.list", json!({ "limit": limit })).await, "bad_request");
    }
    laptop.close().await;
    desk.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn lists_come_in_pages_and_by_version() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let mut laptop = ann.online(&cloud, "laptop").await;
    let mut people = Vec::new();
    for name in ["bob", "cat", "dan"] {
        people.push(cloud.person(name).await);
        laptop.ok("contact.block", about(people.last().unwrap(), json!({}))).await;
    }
    people.sort_by_key(|person| person.user);
    let users = |list: &Value| -> Vec<String> {
        list["contacts"].as_array().unwrap().iter().map(|it| it["user"].as_str().unwrap().to_owned()).collect()
    };
    let ids: Vec<_> = people.iter().map(|person| person.user.to_string()).collect();
    for action in ["contact.list", "contact.blocked"] {
        let first = laptop.ok(action, json!({ "limit": 2 })).await;
        assert_eq!((users(&first), &first["cursor"]), (ids[..2].to_vec(), &json!(ids[1])), "{action}");
        let rest = laptop.ok(action, json!({ "limit": 2, "cursor": first["cursor"] })).await;
        assert_eq!((users(&rest), &rest["cursor"]), (ids[2..].to_vec(), &Value::Null), "{action}");
    }
    let fresh = laptop.ok("contact.list", json!({})).await;
    assert_eq!(fresh["version"], 0, "what was just told comes again");
    for seq in ["1", "2", "3"] {
        let aged = json!({
            "TableName": cloud.endpoints().tables["log"],
            "Key": { "conversation": { "S": format!("n:{}", ann.user) }, "seq": { "N": seq } },
            "UpdateExpression": "SET sent_at = :then",
            "ExpressionAttributeValues": { ":then": { "N": (now_ms() - LONG_AGO_MS).to_string() } },
        });
        cloud.dynamodb("UpdateItem", aged).await;
    }
    let version = laptop.ok("contact.list", json!({})).await["version"].clone();
    assert_eq!(version, 3);
    let none = laptop.ok("contact.list", json!({ "since": version })).await;
    assert_eq!((users(&none), &none["whole"]), (vec![], &json!(false)));
    laptop.ok("contact.unblock", about(&people[1], json!({}))).await;
    let changed = laptop.ok("contact.list", json!({ "since": version })).await;
    let gone = json!({ "user": ids[1], "blocked": false, "version": 4 });
    assert_eq!((&changed["contacts"], &changed["version"]), (&json!([gone]), &json!(3)), "who is gone is told of");
    assert_eq!(users(&laptop.ok("contact.list", json!({})).await), [ids[0].clone(), ids[2].clone()]);
    assert_eq!(laptop.ok("contact.list", json!({ "since": 99 })).await["whole"], true);
    laptop.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn contacts_see_who_is_online_and_the_blocked_see_what_strangers_see() {
    let cloud = Cloud::start().await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let sees = async |socket: &mut Socket| {
        let reply = socket.ok("presence.query", json!({ "users": [bob.user.to_string()] })).await;
        reply["presence"][0]["online"] == true
    };
    let shows = |to: &str| json!({ "client_id": client_id(), "presence_to": to });
    assert!(sees(&mut laptop).await, "everybody");
    desk.ok("user.update", shows("contacts")).await;
    assert!(!sees(&mut laptop).await, "a stranger");
    befriend((&ann, &mut laptop), (&bob, &mut desk)).await;
    assert!(sees(&mut laptop).await, "a contact");
    desk.ok("contact.block", about(&ann, json!({}))).await;
    assert!(!sees(&mut laptop).await, "a blocked contact");
    desk.ok("user.update", shows("nobody")).await;
    desk.ok("contact.unblock", about(&ann, json!({}))).await;
    assert!(!sees(&mut laptop).await, "nobody");
    laptop.close().await;
    desk.close().await;
    cloud.stop().await;
}

/// What a message is answered with, but for its request's id.
async fn answer(socket: &mut Socket, from: &Person, to: &Person) -> String {
    let mut answer = socket.ask("message.send", message(from, to)).await;
    answer["reply"].take();
    answer.to_string()
}

async fn is_empty(socket: &mut Socket, one: &Person, other: &Person) -> bool {
    let history = socket.ok("history", json!({ "conversation": one.with(other).to_string() })).await;
    history["entries"] == json!([])
}

#[tokio::test]
async fn among_contacts_alone_all_others_are_refused_alike() {
    let cloud = Cloud::with_parameter("DIRECT_MESSAGES", "contacts").await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let nobody = Person { username: String::new(), user: UserId::from_bits(7) };
    let stranger = answer(&mut laptop, &ann, &bob).await;
    assert!(stranger.contains(r#""code":"forbidden""#), "{stranger}");
    assert_eq!(answer(&mut laptop, &ann, &nobody).await, stranger, "whoever it is, or nobody");
    laptop.ok("message.send", message(&ann, &ann)).await;
    laptop.ok("contact.request", about(&bob, json!({}))).await;
    assert_eq!(answer(&mut laptop, &ann, &bob).await, stranger, "to ask is not to be a contact");
    desk.ok("contact.answer", about(&ann, json!({ "accept": true }))).await;
    let first = message(&ann, &bob);
    assert_eq!(laptop.ok("message.send", first.clone()).await["seq"], 1);
    desk.ok("message.send", message(&bob, &ann)).await;

    desk.ok("contact.block", about(&ann, json!({}))).await;
    assert_eq!(answer(&mut laptop, &ann, &bob).await, stranger, "the blocked cannot tell");
    assert_eq!(laptop.ok("message.send", first).await["duplicate"], true, "what was permitted stays so");
    desk.ok("message.send", message(&bob, &ann)).await;
    desk.ok("contact.unblock", about(&ann, json!({}))).await;
    laptop.ok("message.send", message(&ann, &bob)).await;
    laptop.ok("contact.remove", about(&bob, json!({}))).await;
    for (socket, from, to) in [(&mut laptop, &ann, &bob), (&mut desk, &bob, &ann)] {
        assert_eq!(answer(socket, from, to).await, stranger, "neither is the other's contact any more");
    }
    let history = desk.ok("history", json!({ "conversation": ann.with(&bob).to_string() })).await;
    assert_eq!(history["entries"].as_array().unwrap().len(), 4, "nothing of what was refused was appended");
    laptop.close().await;
    desk.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn among_anyone_each_says_whether_strangers_may_write() {
    let cloud = Cloud::with_parameter("DIRECT_MESSAGES", "anyone").await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let cat = cloud.person("cat").await;
    let mut cats = cat.online(&cloud, "phone").await;
    let nobody = Person { username: String::new(), user: UserId::from_bits(7) };
    assert_eq!(laptop.refused("message.send", message(&ann, &nobody)).await, "not_found");
    laptop.ok("message.send", message(&ann, &bob)).await;
    desk.event().await;
    desk.ok("user.update", json!({ "client_id": client_id(), "messages_from": "contacts" })).await;
    let stranger = answer(&mut cats, &cat, &bob).await;
    assert!(stranger.contains(r#""code":"forbidden""#), "{stranger}");
    assert!(is_empty(&mut cats, &cat, &bob).await);

    // A stranger who had leave is asked about anew; a contact has leave whatever bob says of strangers.
    assert_eq!(answer(&mut laptop, &ann, &bob).await, stranger);
    desk.ok("user.update", json!({ "client_id": client_id(), "messages_from": "anyone" })).await;
    laptop.ok("message.send", message(&ann, &bob)).await;
    desk.event().await;
    desk.ok("contact.block", about(&ann, json!({}))).await;
    assert_eq!(answer(&mut laptop, &ann, &bob).await, stranger, "the blocked cannot tell");
    assert!(desk.is_quiet(200).await);
    befriend((&cat, &mut cats), (&bob, &mut desk)).await;
    cats.ok("message.send", message(&cat, &bob)).await;
    for socket in [laptop, desk, cats] {
        socket.close().await;
    }
    cloud.stop().await;
}

/// What founding a group with somebody is answered with, but for the request's id.
async fn found_with(socket: &mut Socket, members: &[&Person]) -> Value {
    let members: Vec<_> = members.iter().map(|member| member.user.to_string()).collect();
    let mut answer =
        socket.ask("group.create", json!({ "client_id": client_id(), "name": "Club", "members": members })).await;
    answer["reply"].take();
    answer
}

/// Invites somebody: whether that is answered, and heard by the inviter's other device, as it always is.
async fn invite(socket: &mut Socket, other: &mut Socket, group: &Value, person: &Person) {
    let invited = socket.ok("group.invite", about(person, json!({ "group": group }))).await;
    assert_eq!(invited["duplicate"], false);
    let event = hears(other, "group_invitation").await;
    assert_eq!((&event["conversation"], &event["entry"]["seq"]), (&invited["conversation"], &invited["seq"]));
}

#[tokio::test]
async fn who_blocks_somebody_is_neither_brought_in_nor_told_of_an_invitation() {
    let cloud = Cloud::start().await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let (cat, nobody) = (cloud.person("cat").await, Person { username: String::new(), user: UserId::from_bits(7) });
    let (mut phone, mut cats) = (ann.online(&cloud, "phone").await, cat.online(&cloud, "phone").await);
    befriend((&ann, &mut laptop), (&bob, &mut desk)).await;
    desk.ok("contact.block", about(&ann, json!({}))).await;
    let refused = found_with(&mut laptop, &[&cat, &bob]).await;
    assert_eq!(refused["error"]["code"], "forbidden");
    assert_eq!(found_with(&mut laptop, &[&nobody]).await, refused, "whatever the reason");
    let group = found_with(&mut laptop, &[&cat]).await["ok"]["group"].clone();
    hears(&mut desk, "contact_requested").await;

    invite(&mut laptop, &mut phone, &group, &bob).await;
    invite(&mut laptop, &mut phone, &group, &bob).await;
    assert!(desk.is_quiet(500).await, "Bob hears nothing");
    assert_eq!(desk.refused("group.join", json!({ "group": group, "client_id": client_id() })).await, "not_a_member");
    let invitation = about(&nobody, json!({ "group": group }));
    assert_eq!(laptop.refused("group.invite", invitation).await, "not_found");

    // An invitation of somebody else is heard, once.
    cats.ok("group.invite", about(&bob, json!({ "group": group }))).await;
    hears(&mut desk, "group_invitation").await;
    cats.ok("group.invite", about(&bob, json!({ "group": group }))).await;
    assert!(desk.is_quiet(500).await, "it stands");
    desk.ok("group.join", json!({ "group": group, "client_id": client_id() })).await;
    for socket in [laptop, phone, desk, cats] {
        socket.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn among_contacts_alone_strangers_are_invited_and_not_brought_in() {
    let cloud = Cloud::with_parameter("DIRECT_MESSAGES", "contacts").await;
    let ((ann, mut laptop), (bob, mut desk)) = two(&cloud).await;
    let cat = cloud.person("cat").await;
    let mut cats = cat.online(&cloud, "phone").await;
    befriend((&ann, &mut laptop), (&bob, &mut desk)).await;
    assert_eq!(found_with(&mut laptop, &[&bob, &cat]).await["error"]["code"], "forbidden", "cat is a stranger");
    let group = found_with(&mut laptop, &[&bob]).await["ok"]["group"].clone();
    laptop.ok("group.invite", about(&cat, json!({ "group": group }))).await;
    hears(&mut cats, "group_invitation").await;
    cats.ok("group.join", json!({ "group": group, "client_id": client_id() })).await;
    for socket in [laptop, desk, cats] {
        socket.close().await;
    }
    cloud.stop().await;
}
