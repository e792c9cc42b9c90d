//! What happens rarely, planted: routes whose connection is gone, devices that came back meanwhile, old talks that are
//! settled, tokens that were copied. Without it nobody would see whether the roles allow it.

use serde_json::{Value, json};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::{client_id, now_ms, post};
use tidings_e2e::queue::task;
use tidings_e2e::{Cloud, Person, Socket};

/// Two days, in milliseconds: a talk that nobody has touched for so long is settled.
const LONG_AGO_MS: u64 = 2 * 24 * 60 * 60 * 1_000;
/// How long ago a planted route was connected, in milliseconds.
const CONNECTED_FOR_MS: u64 = 5 * 60 * 1_000;
/// An id of the form that the gateway gives, of a connection that is long over.
const GONE: &str = "Zz0AAAAAAAAAAAA=";

fn message(conversation: ConversationId) -> Value {
    let body = json!({ "type": "text", "text": "hello" });
    json!({ "conversation": conversation.to_string(), "client_id": client_id(), "body": body })
}

/// Writes a route that names a connection, with a ticket of that time.
async fn plant(cloud: &Cloud, user: UserId, device: &str, ticket_at: u64) {
    let item = json!({
        "user": { "S": user.to_string() },
        "device": { "S": device },
        "connection_id": { "S": GONE },
        "platform": { "S": "phone" },
        "ticket_at": { "N": ticket_at.to_string() },
        // Not so young that a Gone would prove nothing.
        "connected_at": { "N": (ticket_at - CONNECTED_FOR_MS).to_string() },
        "expires_at": { "N": (now_ms() / 1_000 + 3_600).to_string() },
    });
    let put = json!({ "TableName": cloud.endpoints().tables["routes"], "Item": item });
    let answer = cloud.dynamodb("PutItem", put).await;
    assert!(answer["__type"].is_null(), "{answer}");
}

/// Waits until the planted route names no connection any more.
async fn swept(cloud: &Cloud, user: UserId, device: &str) {
    eventually("the route is swept", async || cloud.route(user, device).await["connection_id"].is_null()).await;
}

async fn talk(cloud: &Cloud) -> (Person, Person, Socket) {
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let laptop = ann.online(cloud, "laptop").await;
    (ann, bob, laptop)
}

/// Who posts to a connection that is gone takes its route away: `send` at once, `sync` with a read position.
#[tokio::test]
async fn routes_of_connections_that_are_gone_are_swept() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop) = talk(&cloud).await;
    plant(&cloud, bob.user, "old", now_ms()).await;
    laptop.ok("message.send", message(ann.with(&bob))).await;
    swept(&cloud, bob.user, "old").await;

    let mut desk = bob.online(&cloud, "desk").await;
    plant(&cloud, ann.user, "old", now_ms()).await;
    desk.ok("conversation.read", json!({ "conversation": ann.with(&bob).to_string(), "seq": 1 })).await;
    swept(&cloud, ann.user, "old").await;
    desk.close().await;
    laptop.close().await;
    cloud.stop().await;
}

/// And so does `deliver`.
#[tokio::test]
async fn what_the_queue_finds_gone_is_swept_too() {
    let cloud = Cloud::with_parameter("INLINE_PUSH_MAX", "0").await;
    let (ann, bob, mut laptop) = talk(&cloud).await;
    plant(&cloud, bob.user, "old", now_ms()).await;
    laptop.ok("message.send", message(ann.with(&bob))).await;
    swept(&cloud, bob.user, "old").await;
    assert_eq!(cloud.cost("message.send").queue_requests, 1, "the queue was asked");
    laptop.close().await;
    cloud.stop().await;
}

/// MEET-1: a device that finds a later connection of its own in its place gives way.
#[tokio::test]
async fn a_connection_gives_way_to_a_later_one_of_its_device() {
    let cloud = Cloud::start().await;
    let (ann, _, mut laptop) = talk(&cloud).await;
    plant(&cloud, ann.user, "laptop", now_ms()).await;
    laptop.send_text(json!({ "action": "sync", "id": "1" }).to_string()).await;
    laptop.closed().await;
    assert_eq!(cloud.route(ann.user, "laptop").await["connection_id"]["S"], GONE, "the later one keeps its place");
    let again = ann.online(&cloud, "laptop").await;
    again.close().await;
    swept(&cloud, ann.user, "laptop").await;
    cloud.stop().await;
}

/// A claim whose outcome is unknown is taken back: the socket does not come up.
#[tokio::test]
async fn a_connect_that_hears_nothing_takes_its_route_back() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let ticket = ann.device(&cloud, "laptop").await.ticket(&cloud).await;
    // All is written, and nobody is told so.
    cloud.lose_replies_of_tables();
    let url = format!("{}?ticket={}", ticket.url, ticket.ticket);
    let status = Socket::open(&url).await.unwrap_err();
    assert!((500..600).contains(&status), "{status}");
    cloud.mend();
    let route = cloud.route(ann.user, "laptop").await;
    assert!(route["ticket_at"].is_object() && route["connection_id"].is_null(), "{route}");
    ann.online(&cloud, "laptop").await.close().await;
    cloud.stop().await;
}

/// A talk that is old is settled by whoever syncs, over HTTP too: later syncs need not ask its log.
#[tokio::test]
async fn an_old_talk_is_settled_over_http() {
    let cloud = Cloud::start().await;
    let (ann, bob, mut laptop) = talk(&cloud).await;
    let conversation = ann.with(&bob);
    laptop.ok("message.send", message(conversation)).await;
    let tables = &cloud.endpoints().tables;
    let aged = json!({
        "TableName": tables["log"],
        "Key": { "conversation": { "S": conversation.to_string() }, "seq": { "N": "1" } },
        "UpdateExpression": "SET sent_at = :then",
        "ExpressionAttributeValues": { ":then": { "N": (now_ms() - LONG_AGO_MS).to_string() } },
    });
    cloud.dynamodb("UpdateItem", aged).await;
    let device = bob.device(&cloud, "desk").await;
    let (status, page) = device.get(&cloud, "/v1/sync").await;
    assert_eq!((status, &page["conversations"][0]["unread"]), (200, &json!(1)));
    let inbox = json!({
        "TableName": tables["inboxes"],
        "Key": { "user": { "S": bob.user.to_string() }, "conversation": { "S": conversation.to_string() } },
        "ConsistentRead": true,
    });
    let entry = cloud.dynamodb("GetItem", inbox).await;
    assert_eq!(entry["Item"]["head_state"]["S"], "settled", "{entry}");
    laptop.close().await;
    cloud.stop().await;
}

/// A refresh token that was used, and whose successor was used, is a copy: its session ends for both.
#[tokio::test]
async fn a_copied_refresh_token_ends_its_session() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let first = ann.device(&cloud, "laptop").await.session.refresh_token;
    let refresh =
        async |token: &str| post(&cloud, "/v1/sessions/refresh", None, &json!({ "refresh_token": token })).await;
    let second = refresh(&first).await.1["refresh_token"].as_str().unwrap().to_owned();
    let third = refresh(&second).await.1["refresh_token"].as_str().unwrap().to_owned();
    for copied in [&first, &third] {
        let (status, answer) = refresh(copied).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthenticated")), "{answer}");
    }
    cloud.stop().await;
}

/// The task of a send that stopped between the log and the inboxes: the message is there, and nobody's inbox says so.
#[tokio::test]
async fn a_task_opens_the_inboxes_that_its_send_left_closed() {
    finish(Cloud::start().await).await;
}

/// The same where so many are to be told that the task's worker leaves it to the queue.
#[tokio::test]
async fn a_task_leaves_many_to_the_queue() {
    let cloud = Cloud::with_parameter("INLINE_PUSH_MAX", "0").await;
    finish(cloud).await;
}

async fn finish(cloud: Cloud) {
    let (ann, bob, mut laptop) = talk(&cloud).await;
    let conversation = ann.with(&bob);
    let first = message(conversation);
    laptop.ok("message.send", first.clone()).await;
    let key = json!({ "user": { "S": bob.user.to_string() }, "conversation": { "S": conversation.to_string() } });
    let inbox = json!({ "TableName": cloud.endpoints().tables["inboxes"], "Key": key });
    cloud.dynamodb("DeleteItem", inbox).await;
    let device = bob.device(&cloud, "desk").await;
    assert_eq!(device.get(&cloud, "/v1/sync").await.1["conversations"], json!([]));
    let mut desk = device.connect(&cloud).await;

    cloud.enqueue("task", &task(&ann, conversation, &first)).await;
    assert_eq!(desk.event().await["entry"]["seq"], 1);
    assert_eq!(device.get(&cloud, "/v1/sync").await.1["conversations"][0]["unread"], 1);
    desk.close().await;
    laptop.close().await;
    cloud.stop().await;
}
