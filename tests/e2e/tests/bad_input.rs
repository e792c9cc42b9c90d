//! BAD-1: bad input gets its code, stores nothing, and keeps the connection where it should be kept.

use serde_json::{Value, json};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_e2e::person::{client_id, now_ms, post};
use tidings_e2e::{Cloud, Socket};
use tidings_protocol::limits::{BODY_MAX, FRAME_MAX};

#[expect(clippy::needless_pass_by_value, reason = "the callers write the body in place")]
fn message(conversation: &str, body: Value) -> Value {
    json!({ "conversation": conversation, "after": 0, "client_id": client_id(), "body": body })
}

fn text(text: impl Into<String>) -> Value {
    json!({ "type": "text", "text": text.into() })
}

#[tokio::test]
async fn frames_that_are_no_requests() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let mut socket = ann.online(&cloud, "laptop").await;
    for (frame, reply) in [
        ("not json", Value::Null),
        ("[1,2]", Value::Null),
        ("{}", Value::Null),
        (r#"{"action":"dance","id":"1"}"#, json!("1")),
        (r#"{"action":7,"id":"2"}"#, json!("2")),
        (r#"{"action":"sync"}"#, Value::Null),
        (r#"{"action":"sync","id":3}"#, Value::Null),
        (r#"{"action":"sync","id":"4","cursor":"nonsense"}"#, json!("4")),
        (r#"{"action":"sync","id":"5","since":"yesterday"}"#, json!("5")),
    ] {
        socket.send_text(frame).await;
        let answer = socket.reply().await;
        assert_eq!(answer["error"]["code"], "bad_request", "{frame}: {answer}");
        assert_eq!((&answer["reply"], &answer["error"]["retryable"]), (&reply, &json!(false)), "{frame}");
    }
    // Unknown fields are ignored, and the connection was kept all along.
    socket.ok("sync", json!({ "colour": "blue" })).await;
    socket.send_text(r#"{"action":"ping"}"#).await;
    assert!(socket.is_quiet(200).await, "a ping has no reply");
    cloud.stop().await;
}

#[tokio::test]
async fn messages_that_are_refused_store_nothing() {
    let cloud = Cloud::start().await;
    let (ann, bob, eve) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("eve").await);
    let mut socket = ann.online(&cloud, "laptop").await;
    let ours = ann.with(&bob).to_string();
    let theirs = bob.with(&eve).to_string();
    let nobody = UserId::from_bits(7);
    let with_nobody = ConversationId::direct(ann.user, nobody).to_string();
    let unsorted = format!("d:{}:{}", ann.user.max(bob.user), ann.user.min(bob.user));
    let (notices, foreign_notices) = (format!("n:{}", ann.user), format!("n:{}", bob.user));
    let group = "g:g_01JD0000000000000000000G00";
    let largest = "x".repeat(BODY_MAX - r#"{"type":"text","text":""}"#.len());
    let with = |field: &str, value: Value| {
        let mut message = message(&ours, text("hi"));
        message[field] = value;
        message
    };
    let late = ulid::Ulid::from_parts(now_ms() + 10 * 60_000, 1).to_string();
    let two = json!([{ "client_id": client_id(), "body": text("a") }]);
    for (fields, code) in [
        (message(&theirs, text("hi")), "not_a_member"),
        (message(&foreign_notices, text("hi")), "not_a_member"),
        (message(group, text("hi")), "not_a_member"),
        (message(&notices, text("hi")), "forbidden"),
        (message(&with_nobody, text("hi")), "not_found"),
        (message(&unsorted, text("hi")), "bad_request"),
        (message("d:x:y", text("hi")), "bad_request"),
        (message(&ours, text("")), "bad_request"),
        (message(&ours, json!({ "type": "hologram" })), "bad_request"),
        (message(&ours, json!("hi")), "bad_request"),
        (message(&ours, text(format!("{largest}x"))), "too_large"),
        (with("client_id", json!("abc")), "bad_request"),
        (with("client_id", json!(late)), "bad_request"),
        (with("after", json!(1)), "bad_request"),
        (with("after", json!(-1)), "bad_request"),
        (with("after", json!("0")), "bad_request"),
        (with("messages", two), "bad_request"),
        (json!({ "conversation": ours, "messages": [] }), "bad_request"),
        (json!({ "conversation": ours }), "bad_request"),
    ] {
        assert_eq!(socket.refused("message.send", fields.clone()).await, code, "{fields:.300}");
    }
    for (action, fields, code) in [
        ("history", json!({ "conversation": theirs }), "not_a_member"),
        ("history", json!({ "conversation": ours, "after": 1, "before": 3 }), "bad_request"),
        ("history", json!({ "conversation": ours, "limit": 0 }), "bad_request"),
        ("history", json!({ "conversation": ours, "limit": 101 }), "bad_request"),
        ("conversation.read", json!({ "conversation": theirs, "seq": 1 }), "not_a_member"),
        ("conversation.read", json!({ "conversation": ours, "seq": 1 }), "bad_request"),
        ("conversation.read", json!({ "conversation": ours, "seq": 0 }), "bad_request"),
        ("user.get", json!({}), "bad_request"),
        ("user.get", json!({ "username": "nobody_at_all" }), "not_found"),
    ] {
        assert_eq!(socket.refused(action, fields.clone()).await, code, "{action} {fields}");
    }
    assert!(socket.ok("sync", json!({})).await["conversations"].as_array().unwrap().is_empty(), "nothing was stored");

    // A batch stops at what cannot be stored, and what stands before it counts.
    let notes = ann.with(&ann).to_string();
    let drafts = [text("first"), text(format!("{largest}x")), text("last")]
        .map(|body| json!({ "client_id": client_id(), "body": body }));
    let answer = socket.ok("message.send", json!({ "conversation": notes, "messages": drafts })).await;
    let outcome = |index: usize| answer["results"][index]["error"]["code"].as_str();
    assert_eq!(
        (&answer["results"][0]["seq"], outcome(1), outcome(2)),
        (&json!(1), Some("too_large"), Some("unavailable"))
    );

    // The largest text fits; who the sender is, only the ticket says.
    let mut forged = message(&ours, text(largest));
    forged["sender"] = json!(eve.user.to_string());
    forged["user"] = json!(eve.user.to_string());
    socket.ok("message.send", forged).await;
    let page = socket.ok("history", json!({ "conversation": ours })).await;
    assert_eq!(page["entries"][0]["sender"], ann.user.to_string());
    cloud.stop().await;
}

#[tokio::test]
async fn an_oversized_frame_closes_its_socket_alone() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (mut laptop, mut phone) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let talk = ann.with(&bob).to_string();
    let frame =
        json!({ "action": "message.send", "id": "1", "conversation": talk, "body": text("x".repeat(FRAME_MAX)) });
    laptop.send_text(frame.to_string()).await;
    assert_eq!(laptop.closed().await, Some(1009));
    assert!(phone.ok("sync", json!({})).await["conversations"].as_array().unwrap().is_empty());
    cloud.stop().await;
}

#[tokio::test]
async fn tickets_that_open_nothing() {
    let cloud = Cloud::with_parameter("TICKET_TTL_S", "1").await;
    let ann = cloud.person("ann").await;
    let device = ann.device(&cloud, "laptop").await;
    let ticket = device.ticket(&cloud).await;
    let open =
        async |ticket: &str| Socket::open(&format!("{}?ticket={ticket}", cloud.endpoints().socket)).await.map(drop);

    assert_eq!(Socket::open(&cloud.endpoints().socket).await.map(drop), Err(401), "none");
    let (head, signature) = ticket.ticket.rsplit_once('.').unwrap();
    let flipped: String = signature.chars().rev().collect();
    for forged in [format!("{head}.{flipped}"), "nonsense".to_owned(), device.session.access_token.clone()] {
        assert_eq!(open(&forged).await, Err(403), "{forged}");
    }
    // Allowed skew of clocks apart, a second later it is over.
    tokio::time::sleep(std::time::Duration::from_secs(7)).await;
    assert_eq!(open(&ticket.ticket).await, Err(403), "expired");
    device.connect(&cloud).await.ok("sync", json!({})).await;
    cloud.stop().await;
}

#[tokio::test]
async fn http_requests_that_are_refused() {
    let cloud = Cloud::start().await;
    let (ann, bob, eve) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("eve").await);
    let device = ann.device(&cloud, "laptop").await;
    let sign_up = |name: &str, password: &str| json!({ "username": name, "password": password, "display_name": "X" });
    let sign_in = |name: &str, password: &str| {
        let device = json!({ "id": "d", "name": "d", "platform": "web" });
        json!({ "username": name, "password": password, "device": device })
    };
    for (path, body, status, code) in [
        ("/v1/accounts", sign_up(&ann.username, "12345678"), 409, "conflict"),
        ("/v1/accounts", sign_up(&ann.username.to_uppercase(), "12345678"), 409, "conflict"),
        ("/v1/accounts", sign_up("x", "12345678"), 400, "bad_request"),
        ("/v1/accounts", sign_up("carol", "short"), 400, "bad_request"),
        ("/v1/accounts", json!("carol"), 400, "bad_request"),
        ("/v1/sessions", sign_in(&ann.username, "wrong password"), 401, "unauthenticated"),
        ("/v1/sessions", sign_in("nobody_at_all", "wrong password"), 401, "unauthenticated"),
        ("/v1/sessions/refresh", json!({ "refresh_token": "nonsense" }), 401, "unauthenticated"),
        ("/v1/tickets", Value::Null, 401, "unauthenticated"),
        ("/v1/nowhere", Value::Null, 404, ""),
    ] {
        let (got, reply) = post(&cloud, path, None, &body).await;
        assert_eq!(got, status, "{path} {body}: {reply}");
        if !code.is_empty() {
            assert_eq!(reply["error"]["code"], code, "{path} {body}: {reply}");
            assert!(reply["error"]["message"].is_string() && reply["error"]["retryable"].is_boolean());
        }
    }
    for (path, status, code) in [
        (format!("/v1/conversations/{}/entries", bob.with(&eve)), 403, "not_a_member"),
        ("/v1/conversations/nonsense/entries".to_owned(), 400, "bad_request"),
        (format!("/v1/conversations/{}/entries?after=1&before=2", ann.with(&bob)), 400, "bad_request"),
        (format!("/v1/conversations/{}/entries?limit=many", ann.with(&bob)), 400, "bad_request"),
        ("/v1/sync?cursor=nonsense".to_owned(), 400, "bad_request"),
    ] {
        let (got, reply) = device.get(&cloud, &path).await;
        assert_eq!((got, reply["error"]["code"].as_str()), (status, Some(code)), "{path}: {reply}");
    }
    cloud.stop().await;
}
