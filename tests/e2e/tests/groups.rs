//! Groups over real sockets: who is in them, what they see, and who may do what.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use serde_json::{Value, json};
use tidings_domain::ids::ConversationId;
use tidings_e2e::person::client_id;
use tidings_e2e::queue::task;
use tidings_e2e::{Cloud, Person, Socket};

/// A group's fields of a request, with a client id of its own.
fn of(group: &str, mut fields: Value) -> Value {
    fields["group"] = json!(group);
    fields["client_id"] = json!(client_id());
    fields
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

/// The next entry that is pushed: its place, and what it tells.
async fn pushed(socket: &mut Socket) -> (u64, Value) {
    let event = socket.event().await;
    assert_eq!(event["type"], "entry", "{event}");
    (event["entry"]["seq"].as_u64().unwrap(), event["entry"]["body"].clone())
}

async fn say(socket: &mut Socket, group: &str, what: &str) -> u64 {
    let message = json!({ "conversation": format!("g:{group}"), "client_id": client_id(), "body": text(what) });
    socket.ok("message.send", message).await["seq"].as_u64().unwrap()
}

async fn found(socket: &mut Socket, members: &[&Person], settings: Value) -> String {
    let members: Vec<_> = members.iter().map(|member| member.user.to_string()).collect();
    let mut request = json!({ "client_id": client_id(), "name": "Book club", "members": members });
    request.as_object_mut().unwrap().extend(settings.as_object().cloned().unwrap_or_default());
    socket.ok("group.create", request).await["group"].as_str().unwrap().to_owned()
}

/// What a fresh sync and the log tell a device of a group: the head, and the seqs that it can get.
async fn visible(socket: &mut Socket, group: &str) -> (u64, bool, Vec<u64>) {
    let conversation = format!("g:{group}");
    let page = socket.ok("sync", json!({})).await;
    let synced =
        page["conversations"].as_array().unwrap().iter().find(|it| it["conversation"] == conversation.as_str());
    let synced = synced.unwrap();
    let history = socket.ok("history", json!({ "conversation": conversation, "limit": 100 })).await;
    let seqs = history["entries"].as_array().unwrap().iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    (synced["head_seq"].as_u64().unwrap(), synced["left"] == true, seqs)
}

#[tokio::test]
async fn a_group_is_founded_once_and_heard_by_all_its_devices() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (mut laptop, mut phone) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let mut desk = bob.online(&cloud, "desk").await;
    let request = json!({ "client_id": client_id(), "name": "Book club", "members": [bob.user.to_string()] });
    let first = laptop.ok("group.create", request.clone()).await;
    let again = phone.ok("group.create", request.clone()).await;
    assert_eq!((&first["group"], &first["seq"]), (&again["group"], &again["seq"]));
    assert_eq!((&first["duplicate"], &again["duplicate"]), (&json!(false), &json!(true)));
    let group = first["group"].as_str().unwrap();
    let mut other = request;
    other["name"] = json!("Chess club");
    assert_eq!(phone.refused("group.create", other).await, "conflict");
    for socket in [&mut phone, &mut desk] {
        let (seq, news) = pushed(socket).await;
        assert_eq!((seq, &news["type"], &news["name"]), (1, &json!("group_created"), &json!("Book club")));
    }
    assert_eq!(say(&mut desk, group, "hello").await, 2);
    for socket in [&mut laptop, &mut phone] {
        let mut next = pushed(socket).await;
        // Told again for the second attempt.
        while next.0 == 1 {
            next = pushed(socket).await;
        }
        assert_eq!(next, (2, text("hello")));
    }
    let info = desk.ok("group.info", json!({ "group": group })).await;
    assert_eq!((&info["card"]["members"], &info["details"]["me"]["role"]), (&json!(2), &json!("member")));
    assert_eq!(visible(&mut phone, group).await, (2, false, vec![1, 2]));
    let synced = desk.ok("sync", json!({})).await;
    assert_eq!(synced["conversations"][0]["unread"], 0, "neither system entries nor own messages are unread");
    cloud.stop().await;
}

/// SEE-1.
#[tokio::test]
async fn who_comes_and_goes_sees_their_own_time() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let mut desk = bob.online(&cloud, "desk").await;
    let group = found(&mut laptop, &[], json!({ "joining": "open" })).await;
    let conversation = format!("g:{group}");
    say(&mut laptop, &group, "before").await;
    assert_eq!(desk.refused("history", json!({ "conversation": conversation })).await, "not_a_member");
    assert_eq!(desk.refused("group.info", json!({ "group": group })).await, "not_a_member");

    assert_eq!(desk.ok("group.join", of(&group, json!({}))).await["seq"], 3);
    assert_eq!(pushed(&mut laptop).await.1["type"], "member_joined");
    say(&mut laptop, &group, "welcome").await;
    assert_eq!(pushed(&mut desk).await, (4, text("welcome")));
    assert_eq!(visible(&mut desk, &group).await, (4, false, vec![3, 4]));

    let kicked = laptop.ok("group.kick", of(&group, json!({ "user": bob.user.to_string() }))).await;
    assert_eq!(kicked["seq"], 5);
    assert_eq!(pushed(&mut desk).await, (5, json!({ "type": "member_removed", "user": bob.user.to_string() })));
    say(&mut laptop, &group, "behind his back").await;
    assert!(desk.is_quiet(500).await, "nothing comes after the removal");
    let message = json!({ "conversation": conversation, "client_id": client_id(), "body": text("hey") });
    assert_eq!(desk.refused("message.send", message).await, "not_a_member");
    assert_eq!(desk.refused("group.members", json!({ "group": group })).await, "not_a_member");
    assert_eq!(visible(&mut desk, &group).await, (5, true, vec![3, 4, 5]));
    let read = json!({ "conversation": conversation, "seq": 6 });
    assert_eq!(desk.refused("conversation.read", read).await, "bad_request");

    // Back again: what was said meanwhile stays unseen.
    assert_eq!(desk.ok("group.join", of(&group, json!({}))).await["seq"], 7);
    say(&mut laptop, &group, "again").await;
    assert_eq!(pushed(&mut desk).await, (8, text("again")));
    assert_eq!(visible(&mut desk, &group).await, (8, false, vec![3, 4, 5, 7, 8]));
    let after = desk.ok("history", json!({ "conversation": conversation, "after": 5 })).await;
    assert_eq!((&after["floor"], &after["entries"][0]["seq"]), (&json!(7), &json!(7)), "a device at 5 jumps to 6");
    let before = desk.ok("history", json!({ "conversation": conversation, "before": 7 })).await;
    assert_eq!((&before["entries"][2]["seq"], &before["floor"]), (&json!(5), &json!(3)));

    assert_eq!(desk.ok("group.leave", of(&group, json!({}))).await["seq"], 9);
    assert_eq!(laptop.refused("group.leave", of(&group, json!({}))).await, "forbidden", "an owner hands over first");
    assert_eq!(visible(&mut desk, &group).await.0, 9);
    cloud.stop().await;
}

#[tokio::test]
async fn settings_decide_what_newcomers_and_leavers_see() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let mut desk = bob.online(&cloud, "desk").await;
    let settings = json!({ "joining": "open", "history": "all", "leavers_keep": false, "findable": true });
    let group = found(&mut laptop, &[], settings).await;
    say(&mut laptop, &group, "from the beginning").await;
    let card = desk.ok("group.info", json!({ "group": group })).await;
    assert_eq!((&card["card"]["members"], &card["details"]), (&json!(1), &Value::Null));
    desk.ok("group.join", of(&group, json!({}))).await;
    assert_eq!(visible(&mut desk, &group).await, (3, false, vec![1, 2, 3]));
    let synced = desk.ok("sync", json!({})).await;
    assert_eq!(synced["conversations"][0]["unread"], 0, "what was said before is no news");
    desk.ok("group.leave", of(&group, json!({}))).await;
    assert_eq!(visible(&mut desk, &group).await, (4, true, vec![4]));
    cloud.stop().await;
}

#[tokio::test]
async fn one_joins_by_link_invitation_or_answer() {
    let cloud = Cloud::start().await;
    let [ann, bob, cat, dan] =
        [cloud.person("ann").await, cloud.person("bob").await, cloud.person("cat").await, cloud.person("dan").await];
    let mut laptop = ann.online(&cloud, "laptop").await;
    let [mut bobs, mut cats, mut dans] =
        [bob.online(&cloud, "a").await, cat.online(&cloud, "b").await, dan.online(&cloud, "c").await];
    let group = found(&mut laptop, &[], json!({ "joining": "approval" })).await;

    // By a link, for one.
    let make = of(&group, json!({ "seconds": 60, "uses": 1 }));
    let made = laptop.ok("group.link", make.clone()).await;
    let again = laptop.ok("group.link", make).await;
    assert_eq!((&made["link"]["code"], &again["duplicate"]), (&again["link"]["code"], &json!(true)));
    let code = &made["link"]["code"];
    assert_eq!(bobs.ok("group.join", of(&group, json!({ "link": code }))).await["conversation"], format!("g:{group}"));
    assert_eq!(cats.refused("group.join", of(&group, json!({ "link": code }))).await, "not_found");

    // By asking.
    let asked = cats.ok("group.join", of(&group, json!({ "greeting": "Hello!" }))).await;
    assert_eq!(asked["conversation"], format!("n:{}", cat.user));
    let mut news = pushed(&mut laptop).await.1;
    while news["type"] != "group_request" {
        news = pushed(&mut laptop).await.1;
    }
    assert_eq!((&news["user"], &news["greeting"]), (&json!(cat.user.to_string()), &json!("Hello!")));
    let open = laptop.ok("group.requests", json!({ "group": group })).await;
    assert_eq!(
        (&open["asking"][0]["user"], open["links"].as_array().unwrap().len()),
        (&json!(cat.user.to_string()), 0)
    );
    assert_eq!(
        bobs.refused("group.answer", of(&group, json!({ "user": cat.user.to_string(), "accept": true }))).await,
        "forbidden"
    );
    laptop.ok("group.answer", of(&group, json!({ "user": cat.user.to_string(), "accept": true }))).await;
    let mut told = [pushed(&mut cats).await.1, pushed(&mut cats).await.1].map(|news| news["type"].to_string());
    told.sort_unstable();
    assert_eq!(told, ["\"group_answer\"", "\"member_joined\""], "in the notices and in the group");

    // By an invitation, told in one's notices, on push and in a sync.
    bobs.ok("group.invite", of(&group, json!({ "user": dan.user.to_string(), "greeting": "Come!" }))).await;
    let (seq, news) = pushed(&mut dans).await;
    assert_eq!((seq, &news["type"], &news["name"]), (1, &json!("group_invitation"), &json!("Book club")));
    let page = dans.ok("sync", json!({})).await;
    assert_eq!(page["conversations"][0]["conversation"], format!("n:{}", dan.user));
    assert_eq!(
        (&page["conversations"][0]["entries"][0]["body"], &page["conversations"][0]["unread"]),
        (&news, &json!(0))
    );
    dans.ok("group.join", of(&group, json!({}))).await;
    assert_eq!(dans.ok("group.info", json!({ "group": group })).await["card"]["members"], 4);
    let members = dans.ok("group.members", json!({ "group": group, "limit": 3 })).await;
    assert_eq!((members["members"].as_array().unwrap().len(), &members["more"]), (3, &json!(true)));
    let rest = json!({ "group": group, "after": members["members"][2]["user"] });
    assert_eq!(dans.ok("group.members", rest).await["members"].as_array().unwrap().len(), 1);
    let mine = dans.ok("group.list", json!({})).await;
    assert_eq!((&mine["groups"][0]["group"], &mine["groups"][0]["member"]), (&json!(group), &json!(true)));
    cloud.stop().await;
}

#[tokio::test]
async fn two_editors_lose_nothing_unseen() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let mut laptop = ann.online(&cloud, "laptop").await;
    let mut desk = bob.online(&cloud, "desk").await;
    let group = found(&mut laptop, &[&bob], json!({})).await;
    laptop.ok("group.role", of(&group, json!({ "user": bob.user.to_string(), "admin": true }))).await;
    let version = desk.ok("group.info", json!({ "group": group })).await["details"]["version"].clone();
    laptop.ok("group.update", of(&group, json!({ "version": version, "name": "Reading club" }))).await;
    let late = of(&group, json!({ "version": version, "description": "What we read" }));
    assert_eq!(desk.refused("group.update", late).await, "conflict");
    desk.ok("group.update", of(&group, json!({ "description": "What we read" }))).await;
    let info = laptop.ok("group.info", json!({ "group": group })).await;
    assert_eq!((&info["card"]["name"], &info["card"]["description"]), (&json!("Reading club"), &json!("What we read")));
    cloud.stop().await;
}

/// What is in the log is told by whoever finishes it, and read over HTTP by members alone.
#[tokio::test]
async fn a_group_is_read_over_http_and_told_again_by_a_task() {
    let cloud = Cloud::start().await;
    let [ann, bob, eve] = [cloud.person("ann").await, cloud.person("bob").await, cloud.person("eve").await];
    let mut laptop = ann.online(&cloud, "laptop").await;
    let device = bob.device(&cloud, "desk").await;
    let mut desk = device.connect(&cloud).await;
    let group = found(&mut laptop, &[&bob], json!({})).await;
    let conversation = ConversationId::Group(group.parse().unwrap());
    let message = json!({ "conversation": conversation.to_string(), "client_id": client_id(), "body": text("hello") });
    laptop.ok("message.send", message.clone()).await;
    assert_eq!(pushed(&mut desk).await.0, 1);
    assert_eq!(pushed(&mut desk).await, (2, text("hello")));
    cloud.enqueue("task", &task(&ann, conversation, &message)).await;
    assert_eq!(pushed(&mut desk).await, (2, text("hello")), "told again");

    let path = format!("/v1/conversations/{conversation}/entries");
    let (status, page) = device.get(&cloud, &path).await;
    assert_eq!((status, page["entries"].as_array().unwrap().len()), (200, 2));
    let outsider = eve.device(&cloud, "phone").await.get(&cloud, &path).await;
    assert_eq!((outsider.0, &outsider.1["error"]["code"]), (403, &json!("not_a_member")));
    let positions = json!({ "conversation": conversation.to_string(), "seq": 2 });
    assert_eq!(desk.ok("conversation.read", positions).await["read_seq"], 2);
    cloud.stop().await;
}
