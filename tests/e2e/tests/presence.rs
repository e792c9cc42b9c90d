//! Presence and typing over real sockets.

use serde_json::{Value, json};
use tidings_domain::ids::UserId;
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::{client_id, now_ms};
use tidings_e2e::{Cloud, Person, Socket};

async fn presence(socket: &mut Socket, of: &Person) -> Value {
    let reply = socket.ok("presence.query", json!({ "users": [of.user.to_string()] })).await;
    reply["presence"][0].clone()
}

async fn gone(cloud: &Cloud, person: &Person, device: &str) {
    eventually("its route is released", async || cloud.route(person.user, device).await["connection_id"].is_null())
        .await;
}

#[tokio::test]
async fn presence_is_asked_over_all_devices() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let id = bob.user.to_string();
    let nobody = UserId::from_bits(7).to_string();
    let reply = laptop.ok("presence.query", json!({ "users": [id, nobody, ann.user.to_string()] })).await;
    let want = json!({ "presence": [
        { "user": id, "online": false },
        { "user": nobody, "online": false },
        { "user": ann.user.to_string(), "online": true },
    ]});
    assert_eq!(reply, want, "who never was online is like nobody");

    let (phone, desk) = (bob.online(&cloud, "phone").await, bob.online(&cloud, "desk").await);
    phone.close().await;
    gone(&cloud, &bob, "phone").await;
    assert_eq!(presence(&mut laptop, &bob).await, json!({ "user": id, "online": true }));
    let before = now_ms();
    desk.close().await;
    gone(&cloud, &bob, "desk").await;
    let left = presence(&mut laptop, &bob).await;
    let last_seen = left["last_seen"].as_u64().unwrap();
    assert!(left["online"] == false && (before..=now_ms()).contains(&last_seen), "{left}");
    // Coming again and going again moves it forward.
    bob.online(&cloud, "phone").await.close().await;
    gone(&cloud, &bob, "phone").await;
    assert!(presence(&mut laptop, &bob).await["last_seen"].as_u64().unwrap() > last_seen);

    let many: Vec<_> = (0..101).map(|bits| UserId::from_bits(bits).to_string()).collect();
    laptop.ok("presence.query", json!({ "users": many[..100] })).await;
    for action in ["presence.query", "presence.watch"] {
        assert_eq!(laptop.refused(action, json!({ "users": many })).await, "bad_request");
        assert_eq!(laptop.refused(action, json!({ "users": ["bob"] })).await, "bad_request");
    }
    laptop.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn a_watcher_is_told_who_comes_and_goes_until_the_watch_ends() {
    let cloud = Cloud::start().await;
    let (ann, bob, cat) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("cat").await);
    let (mut laptop, mut unconcerned) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let [bobs, cats] = [&bob, &cat].map(|person| person.user.to_string());
    let watch = laptop.ok("presence.watch", json!({ "users": [bobs, cats] })).await;
    assert_eq!(watch["presence"], json!([{ "user": bobs, "online": false }, { "user": cats, "online": false }]));
    assert!((290_000..=300_000).contains(&(watch["until"].as_u64().unwrap() - now_ms())), "{watch}");

    let online = |user: &str| json!({ "type": "presence", "user": user, "online": true });
    let phone = bob.online(&cloud, "phone").await;
    assert_eq!(laptop.event().await, online(&bobs));
    let desk = bob.online(&cloud, "desk").await;
    phone.close().await;
    gone(&cloud, &bob, "phone").await;
    let cats_phone = cat.online(&cloud, "phone").await;
    assert_eq!(laptop.event().await, online(&cats), "nothing of Bob, who is there all the time");
    desk.close().await;
    let went = laptop.event().await;
    assert_eq!((&went["user"], &went["online"]), (&json!(bobs), &json!(false)));
    assert!(went["last_seen"].is_u64(), "{went}");

    // Whom the next watch leaves out is watched no more.
    let watch = laptop.ok("presence.watch", json!({ "users": [bobs], "seconds": 3 })).await;
    assert_eq!(watch["presence"][0]["last_seen"], went["last_seen"]);
    cats_phone.close().await;
    gone(&cloud, &cat, "phone").await;
    let phone = bob.online(&cloud, "phone").await;
    assert_eq!(laptop.event().await, online(&bobs));
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    phone.close().await;
    gone(&cloud, &bob, "phone").await;
    assert!(laptop.is_quiet(500).await, "it has expired");

    laptop.ok("presence.watch", json!({ "users": [bobs] })).await;
    laptop.ok("presence.watch", json!({ "users": [] })).await;
    bob.online(&cloud, "phone").await.close().await;
    assert!(laptop.is_quiet(500).await, "it was taken back");
    assert!(unconcerned.is_quiet(1).await, "another device watches nobody");
    for seconds in [json!(0), json!(3_601), json!("x")] {
        let request = json!({ "users": [bobs], "seconds": seconds });
        assert_eq!(laptop.refused("presence.watch", request).await, "bad_request");
    }
    laptop.close().await;
    unconcerned.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn who_shows_themselves_to_contacts_is_watched_by_them_alone() {
    let cloud = Cloud::start().await;
    let (ann, bob, cat) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("cat").await);
    let (mut laptop, mut tablet) = (ann.online(&cloud, "laptop").await, cat.online(&cloud, "tablet").await);
    let mut desk = bob.online(&cloud, "desk").await;
    laptop.ok("contact.request", json!({ "client_id": client_id(), "user": bob.user.to_string() })).await;
    let yes = json!({ "client_id": client_id(), "user": ann.user.to_string(), "accept": true });
    desk.ok("contact.answer", yes).await;
    desk.ok("user.update", json!({ "client_id": client_id(), "presence_to": "contacts" })).await;
    desk.close().await;
    gone(&cloud, &bob, "desk").await;

    let bobs = bob.user.to_string();
    for socket in [&mut laptop, &mut tablet] {
        let watch = socket.ok("presence.watch", json!({ "users": [bobs] })).await;
        assert_eq!(watch["presence"][0]["online"], false);
    }
    let phone = bob.online(&cloud, "phone").await;
    hears(&mut laptop, &json!({ "type": "presence", "user": bobs, "online": true })).await;
    phone.close().await;
    let went = laptop.event().await;
    assert_eq!((&went["user"], &went["online"]), (&json!(bobs), &json!(false)));
    assert!(tablet.is_quiet(300).await, "a stranger");
    laptop.close().await;
    tablet.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn typing_reaches_the_other_side_alone() {
    let cloud = Cloud::start().await;
    let (ann, bob, cat) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("cat").await);
    let (mut laptop, mut own) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let (mut phone, mut desk) = (bob.online(&cloud, "phone").await, bob.online(&cloud, "desk").await);
    let mut outsider = cat.online(&cloud, "phone").await;
    let talk = ann.with(&bob).to_string();
    let typing = |more: Value| {
        let mut frame = json!({ "action": "typing", "conversation": talk });
        frame.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        frame.to_string()
    };
    let event = json!({ "type": "typing", "conversation": talk, "user": ann.user.to_string() });
    laptop.send_text(typing(json!({}))).await;
    assert_eq!((phone.event().await, desk.event().await), (event.clone(), event.clone()));
    laptop.send_text(typing(json!({ "typing": false, "id": "7" }))).await;
    let stopped = phone.event().await;
    assert_eq!((&stopped["user"], &stopped["typing"]), (&event["user"], &json!(false)));
    assert_eq!(desk.event().await, stopped);

    // Nobody hears of what is refused, not even who asked.
    outsider.send_text(typing(json!({}))).await;
    laptop.send_text(r#"{"action":"typing"}"#).await;
    laptop.send_text(typing(json!({ "conversation": "d:a:b" }))).await;
    for socket in [&mut phone, &mut desk, &mut outsider, &mut own, &mut laptop] {
        assert!(socket.is_quiet(300).await);
    }
    let history = laptop.ok("history", json!({ "conversation": talk })).await;
    assert_eq!(history["entries"], json!([]), "nothing of it is stored");
    for socket in [phone, desk, outsider, own, laptop] {
        socket.close().await;
    }
    cloud.stop().await;
}

#[tokio::test]
async fn who_blocks_somebody_does_not_learn_that_they_write() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (mut laptop, mut phone) = (ann.online(&cloud, "laptop").await, bob.online(&cloud, "phone").await);
    let typing = json!({ "action": "typing", "conversation": ann.with(&bob).to_string() }).to_string();
    laptop.send_text(typing.clone()).await;
    assert_eq!(phone.event().await["type"], "typing");
    phone.ok("contact.block", json!({ "client_id": client_id(), "user": ann.user.to_string() })).await;
    laptop.send_text(typing).await;
    assert!(phone.is_quiet(500).await && laptop.is_quiet(0).await, "nor does who writes learn anything");
    laptop.close().await;
    phone.close().await;
    cloud.stop().await;
}

#[tokio::test]
async fn the_members_of_a_group_learn_who_writes_and_may() {
    let cloud = Cloud::start().await;
    let (ann, bob, cat) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("cat").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let members = [&bob, &cat].map(|member| member.user.to_string());
    let founding = json!({ "client_id": client_id(), "name": "Club", "members": members });
    let group = laptop.ok("group.create", founding).await["group"].as_str().unwrap().to_owned();
    let of_club = |mut fields: Value| {
        fields["group"] = json!(group);
        fields["client_id"] = json!(client_id());
        fields
    };
    let (mut own, mut phone) = (bob.online(&cloud, "desk").await, bob.online(&cloud, "phone").await);
    let mut cats = cat.online(&cloud, "phone").await;
    let conversation = format!("g:{group}");
    let writes = json!({ "action": "typing", "conversation": conversation }).to_string();
    let event = json!({ "type": "typing", "conversation": conversation, "user": bob.user.to_string() });
    // Devices that were told of the foundation hear of this after it.
    phone.send_text(writes.clone()).await;
    for socket in [&mut laptop, &mut cats] {
        hears(socket, &event).await;
    }

    let muting = json!({ "user": bob.user.to_string(), "muted": true, "seconds": 60 });
    laptop.ok("group.mute", of_club(muting)).await;
    for socket in [&mut own, &mut phone, &mut cats] {
        hears_of(socket, "member_muted").await;
    }
    phone.send_text(writes.clone()).await;
    assert!(laptop.is_quiet(500).await && cats.is_quiet(0).await, "who may not write tells nobody");
    laptop.ok("group.kick", of_club(json!({ "user": bob.user.to_string() }))).await;
    for socket in [&mut own, &mut phone, &mut cats] {
        hears_of(socket, "member_removed").await;
    }
    phone.send_text(writes).await;
    for socket in [&mut laptop, &mut cats, &mut own, &mut phone] {
        assert!(socket.is_quiet(300).await, "nor does who was removed");
    }
    for socket in [laptop, own, phone, cats] {
        socket.close().await;
    }
    cloud.stop().await;
}

/// Until it hears this, entries may come.
async fn hears(socket: &mut Socket, event: &Value) {
    loop {
        let next = socket.event().await;
        if next == *event {
            return;
        }
        assert_eq!(next["type"], "entry", "{next}");
    }
}

/// Until it hears of this, entries may come, and nothing else.
async fn hears_of(socket: &mut Socket, what: &str) {
    loop {
        let next = socket.event().await;
        assert_eq!(next["type"], "entry", "{next}");
        if next["entry"]["body"]["type"] == what {
            return;
        }
    }
}
