//! Tables that take nothing for a while: whoever sends meanwhile is told `unavailable`, and the SDK's resend succeeds.

use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tidings_client::Timing;
use tidings_e2e::Cloud;
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::client_id;
use tidings_local::faults::{Calls, Plan, Services};
use tidings_stage::play;
use tidings_stage::{Settings, Stage, contend};

/// Devices of each of the two people.
const DEVICES: usize = 5;

/// Messages of each device.
const MESSAGES: usize = 3;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_is_told_unavailable_succeeds_by_sending_again() {
    let cloud = Cloud::start().await;
    let stage = Stage::new(&cloud.endpoints().api, Settings::default(), Arc::new(|_| ())).unwrap();
    let names = [["one".to_owned(), "other".to_owned()]];
    let pairs = play::pairs(&stage, &names, DEVICES).await.unwrap();
    let pair = pairs.first().unwrap();
    let devices = pair.devices();
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut socket = ann.online(&cloud, "laptop").await;

    let refusing = Calls { throttle: 1.0, ..Calls::default() };
    let plan = Plan { services: Services { dynamodb: refusing, ..Services::default() }, ..Plan::default() };
    cloud.running().inject(plan).unwrap();
    let began = Instant::now();
    let body = json!({ "type": "text", "text": "hello" });
    let message =
        json!({ "conversation": ann.with(&bob).to_string(), "after": 0, "client_id": client_id(), "body": body });
    let sending = contend(&stage, pair.conversation, &devices, MESSAGES, 1);
    let refused = async {
        assert_eq!(socket.refused("message.send", message.clone()).await, "unavailable");
        eventually("everybody has sent again", async || devices.iter().all(|device| device.tries() > 1)).await;
        // Nobody waited until the answer was overdue: they sent again because of what they were told.
        assert!(began.elapsed() < Timing::default().resend_after);
        cloud.running().inject(Plan::default()).unwrap();
    };
    let (times, ()) = futures_util::future::join(sending, refused).await;

    assert_eq!(times.unwrap().len(), devices.len() * MESSAGES);
    assert_eq!(socket.ok("message.send", message).await["duplicate"], false);
    stage.compare(&[pair.talk()], Timing::default().resend_after).await.unwrap();
    let verdict = stage.recorder().judge();
    assert!(verdict.holds(), "{verdict}");
    for device in devices {
        device.client.close().await;
    }
    socket.close().await;
    cloud.stop().await;
}
