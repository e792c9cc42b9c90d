//! A cloud that keeps its data goes on after a stop: the same sessions, history and unread counts, and the work that
//! waited in its queues.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::path::Path;

use serde_json::{Value, json};
use tidings_e2e::person::{client_id, post};
use tidings_e2e::{Cloud, Socket};

/// A cloud on a folder that delivers through its queues alone, and whose queues feed nobody yet.
async fn start(folder: &Path) -> Cloud {
    Cloud::with(|options| {
        options.data = Some(folder.to_owned());
        options.mappings = false;
        options.set("INLINE_PUSH_MAX", "0").unwrap();
    })
    .await
}

async fn say(socket: &mut Socket, conversation: &str, what: &str) -> u64 {
    let body = json!({ "type": "text", "text": what });
    let fields = json!({ "conversation": conversation, "client_id": client_id(), "body": body });
    socket.ok("message.send", fields).await["seq"].as_u64().unwrap()
}

fn texts(entries: &Value) -> Vec<&str> {
    entries.as_array().unwrap().iter().map(|entry| entry["body"]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_stop_is_no_more_than_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = start(folder.path()).await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let talk = ann.with(&bob).to_string();
    let (laptop, desk) = (ann.device(&cloud, "laptop").await, bob.device(&cloud, "desk").await);
    let phone = bob.device(&cloud, "phone").await;
    let mut anns = laptop.connect(&cloud).await;
    let mut bobs = desk.connect(&cloud).await;
    assert_eq!(say(&mut anns, &talk, "one").await, 1);
    bobs.ok("conversation.read", json!({ "conversation": talk, "seq": 1 })).await;
    assert_eq!(say(&mut anns, &talk, "two").await, 2);
    assert!(bobs.is_quiet(0).await, "nobody works off the queues");
    cloud.interrupt().await;

    let cloud = start(folder.path()).await;
    let waiting = cloud.running().messages_put_back();
    assert!(waiting >= 2, "two messages and a read position, of which some may share a job: {waiting}");
    // The same sessions, with the tokens that they had.
    let (mut anns, mut bobs) = (laptop.connect(&cloud).await, desk.connect(&cloud).await);
    let page = bobs.ok("sync", json!({})).await;
    let synced = &page["conversations"][0];
    assert_eq!(synced["conversation"], talk);
    assert_eq!((&synced["head_seq"], &synced["read_seq"], &synced["unread"]), (&json!(2), &json!(1), &json!(1)));
    assert_eq!(texts(&synced["entries"]), ["one", "two"]);
    let refresh = json!({ "refresh_token": phone.session.refresh_token });
    let (status, fresh) = post(&cloud, "/v1/sessions/refresh", None, &refresh).await;
    assert_eq!(status, 200, "{fresh}");

    // The jobs of before find the devices of now.
    cloud.running().enable_mappings();
    loop {
        let event = bobs.event().await;
        if event["type"] == "entry" && event["entry"]["seq"] == 2 {
            assert_eq!(event["entry"]["body"]["text"], "two");
            break;
        }
    }
    assert_eq!(say(&mut anns, &talk, "three").await, 3);
    let history = anns.ok("history", json!({ "conversation": talk })).await;
    assert_eq!(texts(&history["entries"]), ["one", "two", "three"]);
    for socket in [anns, bobs] {
        socket.close().await;
    }
    cloud.stop().await;
}
