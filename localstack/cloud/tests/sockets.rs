//! The WebSocket API: who gets in, where frames go, what comes back, and when it ends.

#[cfg(test)]
mod common;

use std::time::{Duration, Instant};

use common::{TestCloud, until};
use futures_util::SinkExt as _;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn the_authorizer_decides_who_gets_in() {
    let cloud = TestCloud::start().await;
    for (query, status) in [
        ("", 401),
        ("?ticket=", 401),
        ("?other=x", 401),
        ("?ticket=deny", 403),
        ("?ticket=unauthorized", 401),
        ("?ticket=fail", 500),
        ("?ticket=nested", 500),
    ] {
        assert_eq!(cloud.try_connect(query).await.err(), Some(status), "{query}");
    }
    let ledger = cloud.running.ledger().use_case("$connect");
    assert_eq!(ledger.invocations, 4, "without a ticket nobody is called");
    assert_eq!(cloud.running.open_sockets(), 0);
    cloud.running.stop().await;
}

#[tokio::test]
async fn connect_may_refuse_with_its_own_status() {
    let cloud = TestCloud::start().await;
    for status in [403, 409, 503] {
        let query = format!("?ticket=a&do=status&status={status}");
        assert_eq!(cloud.try_connect(&query).await.err(), Some(status));
    }
    assert_eq!(cloud.try_connect("?ticket=a&do=fail").await.err(), Some(500));
    assert_eq!(cloud.try_connect("?ticket=a&do=nonsense").await.err(), Some(500));
    assert!(cloud.try_connect("?ticket=a&do=status&status=204").await.is_ok());
    cloud.running.stop().await;
}

#[tokio::test]
async fn frames_find_their_route_and_events_look_like_the_gateways() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    for (frame, route) in [
        (json!({"action": "message.send"}).to_string(), "message.send"),
        (json!({"action": "sync"}).to_string(), "sync"),
        (json!({"action": "no.such"}).to_string(), "$default"),
        (json!({"action": "$connect"}).to_string(), "$default"),
        (json!({"action": 7}).to_string(), "$default"),
        (json!(["array"]).to_string(), "$default"),
        ("not JSON".to_owned(), "$default"),
    ] {
        socket.send(frame.clone()).await;
        let event = socket.next().await["event"].clone();
        let context = &event["requestContext"];
        assert_eq!(context["routeKey"], route, "{frame}");
        assert_eq!(event["body"], frame);
        assert_eq!(event["isBase64Encoded"], false);
        assert_eq!((&context["eventType"], &context["messageDirection"]), (&json!("MESSAGE"), &json!("IN")));
        assert_eq!(context["authorizer"], json!({"principalId": "alice", "user": "alice", "ticket_at": "17"}));
        assert_eq!(context["identity"]["sourceIp"], "127.0.0.1");
        for id in ["connectionId", "requestId", "messageId", "extendedRequestId"] {
            assert!(context[id].as_str().unwrap().ends_with('='), "{id}");
        }
        assert!(context["connectedAt"].as_u64().unwrap() <= context["requestTimeEpoch"].as_u64().unwrap());
    }
    // The mock route answers nothing and calls nobody, and the next frame is answered as ever.
    socket.send(json!({"action": "ping"}).to_string()).await;
    socket.send(json!({"action": "sync"}).to_string()).await;
    assert_eq!(socket.next().await["event"]["requestContext"]["routeKey"], "sync");
    let ledger = cloud.running.ledger();
    let ping = ledger.use_case("ping");
    assert_eq!((ping.count, ping.gateway_messages, ping.invocations), (1, 1, 0));
    assert_eq!(ledger.use_case("message.send").gateway_messages, 2, "a frame in and a reply out");
    cloud.running.stop().await;
}

#[tokio::test]
async fn what_goes_wrong_behind_a_route_is_an_error_frame_and_the_socket_stays() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let id = socket.id().await;
    for what in ["fail", "nonsense", "crash"] {
        let answer = socket.ask(json!({"do": what})).await;
        assert_eq!(answer["message"], "Internal server error", "{what}");
        assert_eq!(answer["connectionId"], id);
        assert!(answer["requestId"].is_string());
    }
    socket.command(json!({"do": "silent"})).await;
    assert_eq!(socket.id().await, id);
    cloud.running.stop().await;
}

#[tokio::test]
async fn frames_of_one_connection_run_side_by_side() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    // Warm both environments, so that the times below are the functions' own.
    socket.command(json!({"do": "sleep", "ms": "200"})).await;
    socket.command(json!({"do": "sleep", "ms": "200"})).await;
    socket.next().await;
    socket.next().await;
    let started = Instant::now();
    socket.command(json!({"do": "sleep", "ms": "400"})).await;
    socket.command(json!({"do": "sleep", "ms": "50"})).await;
    assert_eq!(socket.next().await["slept"], "50", "the later frame is answered first");
    assert_eq!(socket.next().await["slept"], "400");
    assert!(started.elapsed() < Duration::from_millis(440), "{:?}", started.elapsed());
    cloud.running.stop().await;
}

#[tokio::test]
async fn limits_of_frames_close_the_socket() {
    let cloud = TestCloud::start().await;
    // The largest frame passes.
    let mut socket = cloud.connect("alice").await;
    let frame = |bytes: usize| {
        let empty = json!({"action": "message.send", "do": "silent", "pad": ""}).to_string().len();
        json!({"action": "message.send", "do": "silent", "pad": "x".repeat(bytes - empty)}).to_string()
    };
    socket.send(frame(32 * 1024)).await;
    socket.id().await;
    socket.send(frame(32 * 1024 + 1)).await;
    assert_eq!(socket.close_code().await, Some(1009));

    let mut socket = cloud.connect("alice").await;
    socket.stream.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(socket.close_code().await, Some(1003));
    until("both are gone", || async { cloud.running.open_sockets() == 0 }).await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_message_of_several_frames_has_its_own_limit() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let piece = |first: bool, last: bool| {
        let code = OpCode::Data(if first { Data::Text } else { Data::Continue });
        Message::Frame(Frame::message(vec![b' '; 30 * 1024], code, last))
    };
    for n in 0..4 {
        socket.stream.send(piece(n == 0, n == 3)).await.unwrap();
    }
    assert_eq!(socket.next().await["event"]["requestContext"]["routeKey"], "$default", "120 KB in four frames pass");
    for n in 0..5 {
        // The last ones may meet a closed socket.
        let _ = socket.stream.send(piece(n == 0, n == 4)).await;
    }
    assert_eq!(socket.close_code().await, Some(1009));
    cloud.running.stop().await;
}

#[tokio::test]
async fn idle_and_old_sockets_are_closed() {
    let cloud = TestCloud::start_with(|options| {
        options.limits.idle = Duration::from_millis(400);
        options.limits.lifetime = Duration::from_millis(1200);
    })
    .await;
    let mut idle = cloud.connect("idle").await;
    let mut busy = cloud.connect("busy").await;
    let started = Instant::now();
    let (idle_closed, busy_closed) = tokio::join!(
        async {
            let code = idle.close_code().await;
            (code, started.elapsed())
        },
        async {
            // Frames of any kind keep it open, until its time is over all the same.
            let code = loop {
                assert!(started.elapsed() < Duration::from_secs(5), "its time was over long ago");
                busy.send(json!({"action": "ping"}).to_string()).await;
                if let Ok(code) = tokio::time::timeout(Duration::from_millis(100), busy.close_code()).await {
                    break code;
                }
            };
            (code, started.elapsed())
        }
    );
    let between = |(code, elapsed): (Option<u16>, Duration), from, to| {
        assert_eq!(code, Some(1001));
        assert!((from..to).contains(&elapsed.as_millis()), "{elapsed:?}");
    };
    between(idle_closed, 380, 800);
    between(busy_closed, 1150, 1550);
    cloud.running.stop().await;
}

#[tokio::test]
async fn posts_reach_the_socket_and_only_a_socket_that_is_up() {
    let cloud = TestCloud::start().await;
    let mut alice = cloud.connect("alice").await;
    let mut bob = cloud.connect("bob").await;
    let bob_id = bob.id().await;
    assert!(bob_id.ends_with('='), "the SDK has to escape it: {bob_id}");
    let answer = alice.ask(json!({"do": "post", "connection": bob_id, "text": "\"hello\""})).await;
    assert_eq!(answer["outcome"], "posted");
    assert_eq!(bob.next().await, json!("hello"));
    let answer = alice.ask(json!({"do": "post", "connection": "TWegAcC4EowCHnA=", "text": "x"})).await;
    assert_eq!(answer["outcome"], "gone");
    let ledger = cloud.running.ledger().use_case("message.send");
    // Bob's one frame and reply, Alice's two frames and replies, one post that arrived.
    assert_eq!(ledger.gateway_messages, 2 + 4 + 1);
    assert_eq!(ledger.calls["gateway.PostToConnection"], 2);
    bob.stream.close(None).await.unwrap();
    until("bob is gone", || async { cloud.running.open_sockets() == 1 }).await;
    let answer = alice.ask(json!({"do": "post", "connection": bob_id, "text": "x"})).await;
    assert_eq!(answer["outcome"], "gone");
    cloud.running.stop().await;
}

#[tokio::test]
async fn while_connect_runs_the_connection_is_gone() {
    let cloud = TestCloud::start().await;
    let mark = cloud.folder().join("mark");
    // `$connect` posts to its own connection and notes what came of it.
    let mut socket = cloud.try_connect(&format!("?ticket=a&do=post-self&mark={}", mark.display())).await.unwrap();
    assert_eq!(std::fs::read_to_string(mark).unwrap(), "gone");
    let id = socket.id().await;
    assert_eq!(socket.ask(json!({"do": "post", "connection": id, "text": "1"})).await, json!(1), "now it is up");
    cloud.running.stop().await;
}

#[tokio::test]
async fn the_management_api_knows_and_closes_connections() {
    let cloud = TestCloud::start().await;
    let mut socket = cloud.connect("alice").await;
    let id = socket.id().await;
    let sdk = cloud.sdk(&cloud.running.endpoints().gateway).await;
    let client = aws_sdk_apigatewaymanagement::Client::new(&sdk);
    let known = client.get_connection().connection_id(&id).send().await.unwrap();
    assert_eq!(known.identity().unwrap().source_ip(), Some("127.0.0.1"));
    assert!(known.connected_at().is_some() && known.last_active_at().is_some());
    client.delete_connection().connection_id(&id).send().await.unwrap();
    assert_eq!(socket.close_code().await, Some(1000));
    until("it is gone", || async { cloud.running.open_sockets() == 0 }).await;
    let error = client.get_connection().connection_id(&id).send().await.unwrap_err().into_service_error();
    assert!(error.is_gone_exception(), "{error:?}");
    cloud.running.stop().await;
}

#[tokio::test]
async fn empty_buckets_refuse_frames_posts_and_connections() {
    let cloud = TestCloud::start_with(|options| {
        options.limits.requests_per_s = 0.001;
        options.limits.request_burst = 3.0;
        options.limits.connections_per_s = 1.0;
    })
    .await;
    let mut socket = cloud.connect("alice").await;
    assert_eq!(cloud.try_connect("?ticket=bob").await.err(), Some(429));
    let id = socket.id().await;
    // The frame is the second token, its post the third.
    assert_eq!(socket.ask(json!({"do": "post", "connection": id, "text": "1"})).await, json!(1));
    assert_eq!(socket.next().await["outcome"], "posted");
    let answer = socket.ask(json!({"do": "silent"})).await;
    assert_eq!(answer["message"], "Too Many Requests");
    assert_eq!(answer["connectionId"], id);
    let sdk = cloud.sdk(&cloud.running.endpoints().gateway).await;
    let config = aws_sdk_apigatewaymanagement::config::Builder::from(&sdk)
        .retry_config(aws_sdk_apigatewaymanagement::config::retry::RetryConfig::disabled())
        .build();
    let client = aws_sdk_apigatewaymanagement::Client::from_conf(config);
    let posted = client.post_to_connection().connection_id(&id).data(b"x".to_vec().into()).send().await;
    assert!(posted.unwrap_err().into_service_error().is_limit_exceeded_exception());
    cloud.running.stop().await;
}

#[tokio::test]
async fn a_slow_reader_fills_its_buffer_and_no_more() {
    let cloud = TestCloud::start_with(|options| {
        options.limits.outgoing_bytes = 64 * 1024;
        options.limits.write_timeout = Duration::from_secs(1);
    })
    .await;
    let mut slow = cloud.connect("slow").await;
    let id = slow.id().await;
    let sdk = cloud.sdk(&cloud.running.endpoints().gateway).await;
    let config = aws_sdk_apigatewaymanagement::config::Builder::from(&sdk)
        .retry_config(aws_sdk_apigatewaymanagement::config::retry::RetryConfig::disabled())
        .build();
    let client = aws_sdk_apigatewaymanagement::Client::from_conf(config);
    // Nobody reads: the kernel's buffers take some megabytes, then ours fills, then posts are refused.
    let mut refused = false;
    for _ in 0..2_000 {
        let post = client.post_to_connection().connection_id(&id).data(vec![b'x'; 30 * 1024].into()).send().await;
        if let Err(error) = post {
            assert!(error.into_service_error().is_limit_exceeded_exception());
            refused = true;
            break;
        }
    }
    assert!(refused);
    until("the stuck socket is given up", || async { cloud.running.open_sockets() == 0 }).await;
    cloud.running.stop().await;
}

#[tokio::test]
async fn disconnect_events_tell_code_and_reason() {
    let cloud = TestCloud::start().await;
    let socket = cloud.connect("alice").await;
    drop(socket);
    until("$disconnect was called", || async { cloud.running.ledger().use_case("$disconnect").invocations == 1 }).await;
    cloud.running.stop().await;
}
