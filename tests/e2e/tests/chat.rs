//! Two people, each on several devices.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use serde_json::{Value, json};
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::client_id;
use tidings_e2e::{Cloud, Socket};

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

async fn say(socket: &mut Socket, conversation: &str, after: u64, what: &str) -> u64 {
    let fields = json!({ "conversation": conversation, "after": after, "client_id": client_id(), "body": text(what) });
    socket.ok("message.send", fields).await["seq"].as_u64().unwrap()
}

#[tokio::test]
async fn messages_reach_every_device_in_one_order() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let mut phone = ann.online(&cloud, "phone").await;
    let mut desk = bob.online(&cloud, "desk").await;
    let talk = ann.with(&bob).to_string();

    assert_eq!(say(&mut laptop, &talk, 0, "one").await, 1);
    for socket in [&mut phone, &mut desk] {
        let event = socket.event().await;
        assert_eq!((&event["type"], &event["entry"]["seq"]), (&json!("entry"), &json!(1)));
        assert_eq!(event["entry"]["body"], text("one"));
        assert_eq!(event["entry"]["sender"], ann.user.to_string());
    }
    assert_eq!(say(&mut desk, &talk, 1, "two").await, 2);
    for socket in [&mut laptop, &mut phone] {
        assert_eq!(socket.event().await["entry"]["seq"], 2);
    }
    assert!(laptop.is_quiet(200).await, "a sender gets no push of its own");

    // What the log holds is what everybody can read, in both directions.
    let all = phone.ok("history", json!({ "conversation": talk })).await;
    let texts = |page: &Value| {
        page["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["body"]["text"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&all), ["one", "two"]);
    assert_eq!((&all["more"], &all["floor"]), (&json!(false), &json!(1)));
    assert_eq!(texts(&phone.ok("history", json!({ "conversation": talk, "after": 1 })).await), ["two"]);
    assert_eq!(texts(&phone.ok("history", json!({ "conversation": talk, "before": 2 })).await), ["one"]);
    cloud.stop().await;
}

#[tokio::test]
async fn who_was_away_sees_what_they_missed() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let bobs_desk = bob.device(&cloud, "desk").await;
    let talk = ann.with(&bob).to_string();
    for number in 0..3 {
        say(&mut laptop, &talk, number, &format!("missed {number}")).await;
    }

    let mut desk = bobs_desk.connect(&cloud).await;
    let page = desk.ok("sync", json!({})).await;
    let synced = &page["conversations"][0];
    assert_eq!(synced["conversation"], talk);
    assert_eq!((&synced["head_seq"], &synced["read_seq"], &synced["unread"]), (&json!(3), &json!(0), &json!(3)));
    assert_eq!(synced["entries"].as_array().unwrap().len(), 3);
    assert_eq!(synced["peer"], ann.user.to_string());

    // Reading tells the peer and clears the count on one's other devices.
    let mut phone = bob.online(&cloud, "phone").await;
    assert_eq!(desk.ok("conversation.read", json!({ "conversation": talk, "seq": 2 })).await["read_seq"], 2);
    for socket in [&mut laptop, &mut phone] {
        let event = socket.event().await;
        assert_eq!(
            (&event["type"], &event["user"], &event["seq"]),
            (&json!("read"), &json!(bob.user.to_string()), &json!(2))
        );
    }
    let over_http = bobs_desk.get(&cloud, "/v1/sync").await;
    assert_eq!((over_http.0, &over_http.1["conversations"][0]["unread"]), (200, &json!(1)));
    let page = bobs_desk.get(&cloud, &format!("/v1/conversations/{talk}/entries?after=1&limit=1")).await.1;
    assert_eq!((&page["entries"][0]["seq"], &page["more"]), (&json!(2), &json!(true)));
    cloud.stop().await;
}

#[tokio::test]
async fn a_resend_gets_the_first_answer_and_a_batch_keeps_its_order() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let talk = ann.with(&bob).to_string();
    let drafts: Vec<_> = (0..20).map(|n| json!({ "client_id": client_id(), "body": text(&n.to_string()) })).collect();
    let batch = json!({ "conversation": talk, "after": 0, "messages": drafts });
    let first = laptop.ok("message.send", batch.clone()).await;
    let seqs: Vec<_> = first["results"].as_array().unwrap().iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=20).collect::<Vec<_>>());

    // From another device, with another `after`, and without one.
    let mut phone = ann.online(&cloud, "phone").await;
    let again = phone.ok("message.send", batch.clone()).await;
    let mut one = drafts[7].clone();
    one["conversation"] = json!(talk);
    let single = phone.ok("message.send", one.clone()).await;
    for (index, result) in again["results"].as_array().unwrap().iter().enumerate() {
        let original = &first["results"][index];
        assert_eq!((&result["seq"], &result["sent_at"]), (&original["seq"], &original["sent_at"]));
        assert_eq!(result["duplicate"], true);
    }
    assert_eq!((&single["seq"], &single["duplicate"]), (&json!(8), &json!(true)));

    one["body"] = text("something else");
    assert_eq!(phone.refused("message.send", one).await, "conflict");
    let newest = phone.ok("history", json!({ "conversation": talk })).await;
    assert_eq!(newest["entries"].as_array().unwrap().len(), 20);
    cloud.stop().await;
}

#[tokio::test]
async fn notes_to_oneself_reach_ones_other_devices() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let (mut laptop, mut phone) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let notes = ann.with(&ann).to_string();
    say(&mut laptop, &notes, 0, "buy milk").await;
    assert_eq!(phone.event().await["entry"]["body"]["text"], "buy milk");
    let synced = phone.ok("sync", json!({})).await;
    assert_eq!(synced["conversations"][0]["unread"], 0);
    cloud.stop().await;
}

#[tokio::test]
async fn with_no_inline_pushes_the_queue_delivers() {
    let cloud = Cloud::with_parameter("INLINE_PUSH_MAX", "0").await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let mut phone = ann.online(&cloud, "phone").await;
    let mut desk = bob.online(&cloud, "desk").await;
    let talk = ann.with(&bob).to_string();
    say(&mut laptop, &talk, 0, "through the queue").await;
    for socket in [&mut phone, &mut desk] {
        assert_eq!(socket.event().await["entry"]["body"]["text"], "through the queue");
    }
    assert!(laptop.is_quiet(300).await, "the sender was answered");
    assert_eq!(cloud.cost("message.send").queue_requests, 1);
    cloud.stop().await;
}

#[tokio::test]
async fn a_device_has_one_connection_and_a_ticket_works_once() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let device = ann.device(&cloud, "laptop").await;
    let first_ticket = device.ticket(&cloud).await;
    let url = |ticket: &str| format!("{}?ticket={ticket}", first_ticket.url);
    let mut first = Socket::open(&url(&first_ticket.ticket)).await.unwrap();
    assert_eq!(Socket::open(&url(&first_ticket.ticket)).await.unwrap_err(), 403, "used");

    let mut second = device.connect(&cloud).await;
    first.closed().await;
    let mut desk = bob.online(&cloud, "desk").await;
    let talk = ann.with(&bob).to_string();
    say(&mut desk, &talk, 0, "to the newer connection").await;
    assert_eq!(second.event().await["entry"]["seq"], 1);

    // After a close the route goes, and nobody is pushed to.
    let used = device.ticket(&cloud).await;
    let third = Socket::open(&url(&used.ticket)).await.unwrap();
    second.closed().await;
    third.close().await;
    eventually("the route is released", async || cloud.route(ann.user, "laptop").await["connection_id"].is_null())
        .await;
    assert_eq!(Socket::open(&url(&used.ticket)).await.unwrap_err(), 403, "used, and its connection is over");
    cloud.stop().await;
}
