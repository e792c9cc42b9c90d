//! Devices over real sockets: listed, signed out, displaced by the login policy.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use futures_util::future::join_all;
use serde_json::{Value, json};
use tidings_e2e::cli::Cli;
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::{Device, client_id, post};
use tidings_e2e::{Cloud, Socket};

async fn listed(socket: &mut Socket) -> Vec<Value> {
    let list = socket.ok("device.list", json!({})).await;
    assert_eq!(list["more"], false);
    list["devices"].as_array().unwrap().clone()
}

fn names(devices: &[Value]) -> Vec<&str> {
    let mut names: Vec<_> = devices.iter().map(|device| device["device"].as_str().unwrap()).collect();
    names.sort_unstable();
    names
}

/// Told why, closed, and with nothing left to come back with.
async fn is_kicked(cloud: &Cloud, device: &Device, mut socket: Socket, reason: &str) {
    assert_eq!(socket.event().await, json!({ "type": "kicked", "reason": reason }));
    assert_eq!(socket.closed().await, Some(1000));
    is_over(cloud, device).await;
    let route = cloud.route(device.user, &device.id).await;
    assert!(route["connection_id"].is_null(), "{route}");
}

/// Neither a ticket nor a renewal.
async fn is_over(cloud: &Cloud, device: &Device) {
    let (status, answer) = post(cloud, "/v1/tickets", Some(&device.session.access_token), &Value::Null).await;
    assert_eq!((status, &answer["error"]["code"]), (401, &json!("unauthenticated")));
    assert_eq!(refresh(cloud, device).await, 401);
}

async fn has_session(cloud: &Cloud, device: &Device) -> bool {
    post(cloud, "/v1/tickets", Some(&device.session.access_token), &Value::Null).await.0 == 200
}

async fn refresh(cloud: &Cloud, device: &Device) -> u16 {
    let token = json!({ "refresh_token": device.session.refresh_token });
    post(cloud, "/v1/sessions/refresh", None, &token).await.0
}

#[tokio::test]
async fn devices_are_listed_and_one_is_signed_out() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let phone = ann.device_of(&cloud, "phone", "phone").await;
    let socket = phone.connect(&cloud).await;
    ann.device(&cloud, "tablet").await;
    let mut stranger = bob.online(&cloud, "laptop").await;

    let devices = listed(&mut laptop).await;
    assert_eq!(names(&devices), ["laptop", "phone", "tablet"]);
    for device in &devices {
        let is = |name: &str| device["device"] == name;
        assert_eq!((&device["online"], &device["this"]), (&json!(!is("tablet")), &json!(is("laptop"))), "{device}");
        assert_eq!(device["platform"], if is("phone") { "phone" } else { "desktop" });
        assert!(device["last_seen"].as_u64() >= device["signed_in_at"].as_u64(), "{device}");
    }

    // A ticket in hand is worth nothing either.
    let unused = phone.ticket(&cloud).await;
    let request = json!({ "client_id": client_id(), "device": "phone" });
    let first = laptop.ok("device.sign_out", request.clone()).await;
    assert_eq!(first, json!({ "devices": ["phone"] }));
    is_kicked(&cloud, &phone, socket, "signed_out").await;
    assert_eq!(Socket::open(&format!("{}?ticket={}", unused.url, unused.ticket)).await.unwrap_err(), 403);
    assert_eq!(names(&listed(&mut laptop).await), ["laptop", "tablet"]);

    // Signed in again it stays, whatever is repeated.
    let again = ann.device_of(&cloud, "phone", "phone").await.connect(&cloud).await;
    assert_eq!(laptop.ok("device.sign_out", request).await, first);
    assert_eq!(names(&listed(&mut laptop).await), ["laptop", "phone", "tablet"]);
    for (request, code) in [
        (json!({ "client_id": client_id(), "device": "nowhere" }), "not_found"),
        (json!({ "client_id": client_id() }), "bad_request"),
        (json!({ "client_id": client_id(), "device": "phone", "others": true }), "bad_request"),
        (json!({ "device": "phone" }), "bad_request"),
    ] {
        assert_eq!(laptop.refused("device.sign_out", request).await, code);
    }
    assert_eq!(names(&listed(&mut stranger).await), ["laptop"], "another person's devices are nobody's business");
    for socket in [laptop, again, stranger] {
        socket.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn all_others_are_signed_out_and_then_oneself() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let laptop = ann.device(&cloud, "laptop").await;
    let mut socket = laptop.connect(&cloud).await;
    let mut others = Vec::new();
    for name in ["phone", "tablet"] {
        let device = ann.device(&cloud, name).await;
        let socket = device.connect(&cloud).await;
        others.push((device, socket));
    }
    let mut out = socket.ok("device.sign_out", json!({ "client_id": client_id(), "others": true })).await;
    out["devices"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    assert_eq!(out, json!({ "devices": ["phone", "tablet"] }));
    for (device, socket) in others {
        is_kicked(&cloud, &device, socket, "signed_out").await;
    }
    assert_eq!(names(&listed(&mut socket).await), ["laptop"]);

    let request = json!({ "action": "device.sign_out", "id": "x", "client_id": client_id(), "device": "laptop" });
    socket.send_text(request.to_string()).await;
    // Its reply is lost with its connection, which ends before the session does.
    assert_eq!(socket.event().await, json!({ "type": "kicked", "reason": "signed_out" }));
    socket.closed().await;
    eventually("the session is over", async || !has_session(&cloud, &laptop).await).await;
    is_over(&cloud, &laptop).await;
    cloud.stop().await;
}

/// Signs in on four devices, one after the other, and says which of them stay.
async fn stay(policy: &str) -> Vec<String> {
    let cloud = Cloud::with_parameter("LOGIN_POLICY", policy).await;
    let ann = cloud.person("ann").await;
    let mut up: Vec<(Device, Socket)> = Vec::new();
    for (name, platform) in [("phone-1", "phone"), ("web", "web"), ("desk", "desktop"), ("phone-2", "phone")] {
        let device = ann.device_of(&cloud, name, platform).await;
        let mut socket = device.connect(&cloud).await;
        let now = listed(&mut socket).await;
        let mut left = Vec::new();
        for (other, socket) in up {
            if names(&now).contains(&other.id.as_str()) {
                left.push((other, socket));
            } else {
                is_kicked(&cloud, &other, socket, "login_policy").await;
            }
        }
        left.push((device, socket));
        up = left;
    }
    let mut stayed: Vec<_> = up.iter().map(|(device, _)| device.id.clone()).collect();
    stayed.sort();
    for (device, mut socket) in up {
        assert!(socket.is_quiet(100).await, "{} is told nothing", device.id);
        assert_eq!(refresh(&cloud, &device).await, 200);
        socket.close().await;
    }
    cloud.stop().await;
    stayed
}

#[tokio::test]
async fn with_no_policy_all_stay() {
    assert_eq!(stay("unlimited").await, ["desk", "phone-1", "phone-2", "web"]);
}

#[tokio::test]
async fn with_one_per_class_the_newest_of_each_stays() {
    assert_eq!(stay("one_per_class").await, ["desk", "phone-2", "web"]);
}

#[tokio::test]
async fn with_a_single_device_the_newest_stays() {
    assert_eq!(stay("single").await, ["phone-2"]);
}

#[tokio::test]
async fn of_sign_ins_at_once_one_stays() {
    let cloud = Cloud::with_parameter("LOGIN_POLICY", "single").await;
    let ann = cloud.person("ann").await;
    for round in 0..3 {
        let names: Vec<_> = (0..4).map(|number| format!("d{round}-{number}")).collect();
        let devices = join_all(names.iter().map(|name| ann.device(&cloud, name))).await;
        let mut good = 0;
        for device in &devices {
            match refresh(&cloud, device).await {
                200 => good += 1,
                status => assert_eq!(status, 401),
            }
        }
        assert_eq!(good, 1, "round {round}");
    }
    cloud.stop().await;
}

#[tokio::test]
async fn the_command_line_lists_devices_and_signs_them_out() {
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let name = cli.register("one").await;
    cli.ok("two", &["login", &name]).await;
    let list = cli.ok("one", &["devices", "list", "--json"]).await;
    let devices: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let other = devices.iter().find(|device| device["this"] == false).unwrap()["device"].as_str().unwrap();
    assert_eq!(devices.len(), 2);
    assert!(cli.ok("one", &["devices", "list"]).await.contains("this device"));
    assert_eq!(cli.ok("one", &["devices", "sign-out", other]).await.trim(), format!("signed out {other}"));
    let refused = cli.run("two", &["devices", "list"]).await;
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("sign in again"));

    let presence = cli.ok("one", &["presence", &name, "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&presence).unwrap()["online"], true, "{presence}");
    cli.ok("two", &["login", &name]).await;
    assert!(cli.ok("two", &["devices", "sign-out", "--others"]).await.starts_with("signed out "));
    let this = |line: &Value| line["this"] == true;
    let list = cli.ok("two", &["devices", "list", "--json"]).await;
    let left: Vec<Value> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(left.len() == 1 && left.iter().all(this), "{left:?}");
    cli.ok("two", &["devices", "sign-out", left[0]["device"].as_str().unwrap()]).await;
    assert!(!cli.run("two", &["devices", "list"]).await.status.success());
    cloud.stop().await;
}
