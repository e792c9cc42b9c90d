//! Profiles, searches, passwords and the end of accounts, over real sockets.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tidings_domain::shard::shard_of;
use tidings_e2e::cli::Cli;
use tidings_e2e::person::{PASSWORD, client_id, post};
use tidings_e2e::{Cloud, Person, Socket};

/// How soon a change is seen everywhere.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// A name that nobody has, with a beginning that only this test searches for.
fn fresh(beginning: &str) -> String {
    format!("{beginning}{:x}", rand::random::<u32>())
}

async fn update(socket: &mut Socket, change: Value) -> Value {
    socket.ok("user.update", with_client_id(change)).await
}

fn with_client_id(mut change: Value) -> Value {
    change["client_id"] = json!(client_id());
    change
}

async fn found(socket: &mut Socket, prefix: &str) -> Vec<String> {
    let page = socket.ok("user.search", json!({ "prefix": prefix })).await;
    names(&page)
}

fn names(page: &Value) -> Vec<String> {
    page["users"].as_array().unwrap().iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn one_sees_oneself_whole_and_others_by_their_card() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (mut laptop, mut desk) = (ann.online(&cloud, "laptop").await, bob.online(&cloud, "desk").await);

    let me = laptop.ok("user.get", json!({ "user": ann.user.to_string() })).await;
    let defaults = json!({
        "language": "", "time_zone": "", "messages_from": "anyone", "presence_to": "everybody", "version": 0,
    });
    assert_eq!(me["own"], defaults);

    let change = json!({
        "display_name": "Ann B.", "bio": "two\nlines", "language": "de-CH", "time_zone": "Europe/Zurich",
        "messages_from": "contacts", "presence_to": "nobody",
    });
    let updated = update(&mut laptop, change).await;
    let told = json!({
        "language": "de-CH", "time_zone": "Europe/Zurich", "messages_from": "contacts", "presence_to": "nobody",
        "version": 1,
    });
    assert_eq!(updated["own"], told);
    let card = json!({
        "id": ann.user.to_string(), "username": ann.username, "display_name": "Ann B.", "bio": "two\nlines",
    });
    assert_eq!(updated["user"], card);
    assert_eq!(laptop.ok("user.get", json!({ "username": ann.username })).await, updated);
    assert_eq!(desk.ok("user.get", json!({ "username": ann.username })).await, json!({ "user": card }));

    let silent = update(&mut laptop, json!({ "bio": "", "language": "", "time_zone": "" })).await;
    assert_eq!((&silent["own"]["language"], &silent["own"]["version"]), (&json!(""), &json!(2)));
    assert!(desk.ok("user.get", json!({ "username": ann.username })).await["user"]["bio"].is_null());
    cloud.stop().await;
}

#[tokio::test]
async fn changes_are_made_once_and_only_to_what_was_seen() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let (mut laptop, mut phone) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let first = with_client_id(json!({ "version": 0, "bio": "one" }));
    let answer = laptop.ok("user.update", first.clone()).await;
    assert_eq!(laptop.ok("user.update", first.clone()).await, answer, "the same answer");
    let other = json!({ "client_id": first["client_id"], "bio": "two" });
    assert_eq!(laptop.refused("user.update", other).await, "conflict");

    let late = with_client_id(json!({ "version": 0, "bio": "late" }));
    assert_eq!(phone.refused("user.update", late).await, "conflict");
    update(&mut phone, json!({ "version": 1, "bio": "two" })).await;
    let again = laptop.ok("user.update", first).await;
    assert_eq!((&again["user"]["bio"], &again["own"]["version"]), (&json!("two"), &json!(2)), "nothing is taken back");

    let (one, two) = (with_client_id(json!({ "bio": "three" })), with_client_id(json!({ "language": "en" })));
    tokio::join!(laptop.ok("user.update", one), phone.ok("user.update", two));
    let me = phone.ok("user.get", json!({ "user": ann.user.to_string() })).await;
    assert_eq!(
        (&me["user"]["bio"], &me["own"]["language"], &me["own"]["version"]),
        (&json!("three"), &json!("en"), &json!(4))
    );
    cloud.stop().await;
}

/// What an event tells of one's own profile, and where.
fn news(event: &Value) -> (&Value, &Value) {
    assert_eq!(event["entry"]["body"]["type"], "profile_changed", "{event}");
    (&event["entry"]["seq"], &event["entry"]["body"])
}

#[tokio::test]
async fn all_ones_devices_see_ones_profile_by_push_and_by_sync_alone() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (mut laptop, mut phone) = (ann.online(&cloud, "laptop").await, ann.online(&cloud, "phone").await);
    let mut desk = bob.online(&cloud, "desk").await;
    let tablet = ann.device(&cloud, "tablet").await;
    let request = with_client_id(json!({ "bio": "hi", "language": "de-CH" }));
    let began = Instant::now();
    let updated = laptop.ok("user.update", request.clone()).await;
    let told = json!({ "type": "profile_changed", "user": updated["user"], "own": updated["own"] });
    assert_eq!(news(&phone.event().await), (&json!(1), &told));
    assert!(began.elapsed() < SEEN_WITHIN, "after {:?}", began.elapsed());

    // Again, it is told again in the same place; and who asks knows it by the answer.
    phone.ok("user.update", request).await;
    assert_eq!(news(&laptop.event().await), (&json!(1), &told));
    let renamed = update(&mut laptop, json!({ "display_name": "Ann B." })).await;
    assert_eq!(news(&phone.event().await).1["user"], renamed["user"]);
    assert!(laptop.is_quiet(200).await && phone.is_quiet(0).await);
    assert!(desk.is_quiet(0).await, "it is nobody else's business");

    let mut tablet = tablet.connect(&cloud).await;
    let page = tablet.ok("sync", json!({})).await;
    let synced = &page["conversations"][0];
    assert_eq!((&synced["conversation"], &synced["head_seq"]), (&json!(format!("n:{}", ann.user)), &json!(2)));
    let entries = synced["entries"].as_array().unwrap();
    assert_eq!(entries.iter().map(|entry| &entry["body"]["own"]["version"]).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(entries[1]["body"]["user"], renamed["user"]);
    cloud.stop().await;
}

#[tokio::test]
async fn what_is_no_profile_changes_nothing() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let mut laptop = ann.online(&cloud, "laptop").await;
    for change in [
        json!({}),
        json!({ "version": 0 }),
        json!({ "bio": "x".repeat(281) }),
        json!({ "bio": "a\tb" }),
        json!({ "display_name": "" }),
        json!({ "username": "al" }),
        json!({ "language": "en_GB" }),
        json!({ "time_zone": "over there" }),
        json!({ "messages_from": "nobody" }),
        json!({ "presence_to": "friends" }),
    ] {
        assert_eq!(laptop.refused("user.update", with_client_id(change.clone())).await, "bad_request", "{change}");
    }
    assert_eq!(laptop.refused("user.update", json!({ "bio": "no client id" })).await, "bad_request");
    for search in [
        json!({}),
        json!({ "prefix": "a" }),
        json!({ "prefix": "ä" }),
        json!({ "prefix": "al", "limit": 0 }),
        json!({ "prefix": "al", "limit": 21 }),
        json!({ "prefix": "al", "cursor": "bob" }),
        json!({ "prefix": "al", "cursor": "" }),
    ] {
        assert_eq!(laptop.refused("user.search", search.clone()).await, "bad_request", "{search}");
    }
    let me = laptop.ok("user.get", json!({ "user": ann.user.to_string() })).await;
    assert_eq!(me["own"]["version"], 0);
    cloud.stop().await;
}

#[tokio::test]
async fn a_name_moves_with_its_person_and_is_free_at_once() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (mut laptop, mut desk) = (ann.online(&cloud, "laptop").await, bob.online(&cloud, "desk").await);
    let taken = with_client_id(json!({ "username": bob.username.to_uppercase() }));
    assert_eq!(laptop.refused("user.update", taken).await, "conflict");

    let name = fresh("ann");
    let renamed = update(&mut laptop, json!({ "username": name.to_uppercase() })).await;
    assert_eq!(renamed["user"]["username"], name, "folded");
    assert_eq!(desk.refused("user.get", json!({ "username": ann.username })).await, "not_found");
    assert_eq!(desk.ok("user.get", json!({ "username": name })).await["user"]["id"], ann.user.to_string());
    assert_eq!(found(&mut desk, &ann.username).await, [""; 0]);
    assert_eq!(found(&mut desk, &name).await, [name.as_str()]);
    assert_eq!(ann.sign_in(&cloud, PASSWORD, "phone").await.0, 401, "nobody signs in with the old name");
    let ann = Person { username: name, ..ann };
    ann.device(&cloud, "phone").await;

    // Of two who want it at once one gets it.
    let free = fresh("free");
    let claim = || with_client_id(json!({ "username": free }));
    let (one, two) = tokio::join!(laptop.ask("user.update", claim()), desk.ask("user.update", claim()));
    let won = [&one, &two].map(|reply| reply["ok"].is_object());
    assert!(won[0] != won[1], "{one} {two}");
    cloud.stop().await;
}

#[tokio::test]
async fn a_search_finds_people_in_order_and_page_by_page() {
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let mut laptop = ann.online(&cloud, "laptop").await;
    let beginning = fresh("q");
    let mut people = Vec::new();
    for end in ["c", "", ".x", "b2", "_"] {
        let body = json!({ "username": format!("{beginning}{end}"), "password": PASSWORD, "display_name": "Somebody" });
        let (status, reply) = post(&cloud, "/v1/accounts", None, &body).await;
        assert_eq!(status, 201, "{reply}");
        people.push(reply["user"].clone());
    }
    let all = ["", ".x", "_", "b2", "c"].map(|end| format!("{beginning}{end}"));
    assert_eq!(found(&mut laptop, &beginning.to_uppercase()).await, all, "who has the very name comes first");
    assert_eq!(found(&mut laptop, &all[3]).await, [all[3].clone()]);
    assert_eq!(found(&mut laptop, &format!("{beginning}zz")).await, [""; 0]);

    let mut paged = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let mut search = json!({ "prefix": beginning, "limit": 2 });
        if !cursor.is_null() {
            search["cursor"] = cursor;
        }
        let page = laptop.ok("user.search", search).await;
        paged.extend(names(&page));
        cursor = page["cursor"].clone();
        assert_eq!(page["more"].as_bool().unwrap(), !cursor.is_null());
        if cursor.is_null() {
            break;
        }
    }
    assert_eq!(paged, all);

    let card = laptop.ok("user.search", json!({ "prefix": beginning, "limit": 1 })).await["users"][0].clone();
    assert!(people.contains(&card), "a public card and nothing else: {card}");
    cloud.stop().await;
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    const NEW: &str = "battery staple";
    let cloud = Cloud::start().await;
    let ann = cloud.person("ann").await;
    let (laptop, phone) = (ann.device(&cloud, "laptop").await, ann.device(&cloud, "phone").await);
    assert_eq!(laptop.change_password(&cloud, "something else", NEW).await.0, 403);
    assert_eq!(laptop.change_password(&cloud, PASSWORD, "short").await.0, 400);
    let mut socket = phone.connect(&cloud).await;
    // Asked again, as after a lost answer, it succeeds.
    for _ in 0..2 {
        assert_eq!(laptop.change_password(&cloud, PASSWORD, NEW).await, (200, json!({})));
    }
    assert_eq!(socket.event().await, json!({ "type": "kicked", "reason": "password_changed" }));
    socket.closed().await;
    assert_eq!(phone.refresh(&cloud).await.0, 401);
    assert_eq!(phone.change_password(&cloud, NEW, PASSWORD).await.0, 401, "its access token is good for no more");
    let (status, _) = post(&cloud, "/v1/tickets", Some(&phone.session.access_token), &Value::Null).await;
    assert_eq!(status, 401);
    laptop.ticket(&cloud).await;
    assert_eq!(laptop.refresh(&cloud).await.0, 200);
    assert_eq!(ann.sign_in(&cloud, PASSWORD, "phone").await.0, 401);
    assert_eq!(ann.sign_in(&cloud, NEW, "phone").await.0, 200);
    cloud.stop().await;
}

#[tokio::test]
async fn a_deleted_account_leaves_its_messages_and_nothing_else() {
    let cloud = Cloud::start().await;
    let bob = cloud.person("bob").await;
    let mut desk = bob.online(&cloud, "desk").await;
    let username = fresh("gone");
    let sign_up =
        json!({ "username": username, "password": PASSWORD, "display_name": "Ann", "client_id": client_id() });
    let (status, reply) = post(&cloud, "/v1/accounts", None, &sign_up).await;
    assert_eq!(status, 201, "{reply}");
    let ann = Person { username: username.clone(), user: reply["user"]["id"].as_str().unwrap().parse().unwrap() };
    let (laptop, phone) = (ann.device(&cloud, "laptop").await, ann.device(&cloud, "phone").await);
    let mut socket = laptop.connect(&cloud).await;
    let talk = ann.with(&bob).to_string();
    let body = json!({ "type": "text", "text": "farewell" });
    socket.ok("message.send", json!({ "conversation": talk, "client_id": client_id(), "body": body })).await;

    assert_eq!(laptop.delete_account(&cloud, "something else").await.0, 403);
    assert_eq!(found(&mut desk, &username).await, [username.as_str()]);
    for _ in 0..2 {
        assert_eq!(laptop.delete_account(&cloud, PASSWORD).await, (200, json!({})));
    }
    assert_eq!(socket.event().await, json!({ "type": "kicked", "reason": "account_deleted" }));
    socket.closed().await;
    for who in [json!({ "user": ann.user.to_string() }), json!({ "username": username })] {
        assert_eq!(desk.refused("user.get", who).await, "not_found");
    }
    assert_eq!(found(&mut desk, &username).await, [""; 0]);
    for device in [&laptop, &phone] {
        assert_eq!(device.refresh(&cloud).await.0, 401);
        let (status, _) = post(&cloud, "/v1/tickets", Some(&device.session.access_token), &Value::Null).await;
        assert_eq!(status, 401);
    }
    assert_eq!(ann.sign_in(&cloud, PASSWORD, "laptop").await.0, 401);
    let history = desk.ok("history", json!({ "conversation": talk })).await;
    let farewell = &history["entries"][0];
    assert_eq!((&farewell["sender"], &farewell["body"]["text"]), (&json!(ann.user.to_string()), &json!("farewell")));

    // A late repetition of the sign-up makes nobody; the name is free for a new one.
    assert_eq!(post(&cloud, "/v1/accounts", None, &sign_up).await.0, 409);
    let mut heir = sign_up.clone();
    heir["client_id"] = json!(client_id());
    let (status, reply) = post(&cloud, "/v1/accounts", None, &heir).await;
    assert_eq!(status, 201, "{reply}");
    assert_ne!(reply["user"]["id"], ann.user.to_string());
    assert_eq!(post(&cloud, "/v1/accounts", None, &sign_up).await.0, 409);
    cloud.stop().await;
}

/// What so many entries tell that are pushed to a socket: where, what, and of whom.
async fn told(socket: &mut Socket, entries: usize) -> BTreeSet<(String, String, String)> {
    let mut told = BTreeSet::new();
    for _ in 0..entries {
        let event = socket.event().await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let body = &event["entry"]["body"];
        told.insert((text(&event["conversation"]), text(&body["type"]), text(&body["user"])));
    }
    told
}

async fn found_group(socket: &mut Socket, members: &[&Person], findable: bool) -> String {
    let members: Vec<_> = members.iter().map(|member| member.user.to_string()).collect();
    let request = with_client_id(json!({ "name": "Club", "members": members, "findable": findable }));
    let group = socket.ok("group.create", request).await["group"].clone();
    group.as_str().unwrap().to_owned()
}

/// Owner and members of a group, as a member sees them; the count is of as many.
async fn members(socket: &mut Socket, group: &str) -> (Value, BTreeSet<String>) {
    let info = socket.ok("group.info", json!({ "group": group })).await;
    let listed = socket.ok("group.members", json!({ "group": group })).await;
    let all: BTreeSet<_> =
        listed["members"].as_array().unwrap().iter().map(|it| it["user"].as_str().unwrap().to_owned()).collect();
    assert_eq!(info["card"]["members"], all.len(), "{info}");
    (info["details"]["owner"].clone(), all)
}

#[tokio::test]
async fn who_ends_their_account_leaves_groups_and_contacts_and_everybody_sees_it() {
    let cloud = Cloud::start().await;
    let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
    let (cat, dan) = (cloud.person("cat").await, cloud.person("dan").await);
    let laptop = ann.device(&cloud, "laptop").await;
    let mut leaving = laptop.connect(&cloud).await;
    let (mut desk, mut phone) = (bob.online(&cloud, "desk").await, cat.online(&cloud, "phone").await);
    let mut tablet = dan.online(&cloud, "tablet").await;
    let id = |person: &Person| person.user.to_string();

    let own = found_group(&mut leaving, &[&cat, &bob], false).await;
    let admin = with_client_id(json!({ "group": own, "user": id(&bob), "admin": true }));
    leaving.ok("group.role", admin).await;
    let mut alone = found_group(&mut leaving, &[], true).await;
    // Both shards are told something.
    let shard = |group: &str| shard_of(format!("g:{group}").parse().unwrap(), 2);
    while shard(&alone) == shard(&own) {
        alone = found_group(&mut leaving, &[], true).await;
    }
    let theirs = found_group(&mut phone, &[&ann, &bob], false).await;
    leaving.ok("contact.request", with_client_id(json!({ "user": id(&dan) }))).await;
    tablet.ok("contact.answer", with_client_id(json!({ "user": id(&ann), "accept": true }))).await;
    let talk = cat.with(&ann).to_string();
    let hello = || {
        let body = json!({ "type": "text", "text": "hello" });
        with_client_id(json!({ "conversation": talk, "body": body }))
    };
    phone.ok("message.send", hello()).await;
    desk.ok("group.info", json!({ "group": alone })).await;
    // Who was told of all that: the founding, the role, the other founding; and Dan of a request.
    for (socket, entries) in [(&mut desk, 3), (&mut phone, 2), (&mut tablet, 1)] {
        for _ in 0..entries {
            socket.event().await;
        }
        assert!(socket.is_quiet(200).await);
    }

    let began = Instant::now();
    assert_eq!(laptop.delete_account(&cloud, PASSWORD).await, (200, json!({})));
    let event = |conversation: &str, news: &str, of: &Person| (conversation.to_owned(), news.to_owned(), id(of));
    let (of_own, of_theirs) = (format!("g:{own}"), format!("g:{theirs}"));
    let left = BTreeSet::from([
        event(&of_own, "owner_changed", &bob),
        event(&of_own, "member_left", &ann),
        event(&of_theirs, "member_left", &ann),
    ]);
    for socket in [&mut desk, &mut phone] {
        assert_eq!(told(socket, 3).await, left);
    }
    let removed = event(&format!("n:{}", dan.user), "contact_removed", &dan);
    assert_eq!(told(&mut tablet, 1).await, BTreeSet::from([removed]));
    assert!(began.elapsed() < SEEN_WITHIN, "after {:?}", began.elapsed());

    let both = BTreeSet::from([id(&bob), id(&cat)]);
    assert_eq!(members(&mut desk, &own).await, (json!(id(&bob)), both.clone()));
    assert_eq!(members(&mut desk, &theirs).await, (json!(id(&cat)), both));
    assert_eq!(desk.refused("group.info", json!({ "group": alone })).await, "not_a_member", "it is over");
    assert_eq!(tablet.ok("contact.list", json!({})).await["contacts"], json!([]));
    assert_eq!(phone.refused("message.send", hello()).await, "not_found", "there is nobody to write to");

    // Again, with the same token: it finds nothing to do, and tells nobody anything.
    assert_eq!(laptop.delete_account(&cloud, PASSWORD).await, (200, json!({})));
    for socket in [&mut desk, &mut phone, &mut tablet] {
        assert!(socket.is_quiet(200).await);
    }
    let page = desk.ok("sync", json!({})).await;
    let heads = page["conversations"].as_array().unwrap().iter().map(|it| (&it["conversation"], &it["head_seq"]));
    assert_eq!(heads.filter(|(talk, _)| **talk == of_own).collect::<Vec<_>>(), [(&json!(of_own), &json!(4))]);
    cloud.stop().await;
}

#[tokio::test]
async fn the_command_line_does_it_all() {
    const NEW: &str = "battery staple";
    let cloud = Cloud::start().await;
    let home = tempfile::tempdir().unwrap();
    let cli = Cli::new(&cloud, home.path());
    let (ann, bob) = (cli.register("ann").await, cli.register("bob").await);

    let shown = cli.ok("ann", &["profile", "--bio", "hi", "--time-zone", "Europe/Zurich", "--if-version", "0"]).await;
    for part in ["hi", "Europe/Zurich", &ann] {
        assert!(shown.contains(part), "{shown}");
    }
    let told: Value = serde_json::from_str(&cli.ok("ann", &["profile", "--json"]).await).unwrap();
    assert_eq!((&told["user"]["bio"], &told["own"]["version"]), (&json!("hi"), &json!(1)));
    let stale = cli.run("ann", &["profile", "--bio", "late", "--if-version", "0"]).await;
    assert_eq!(stale.status.code(), Some(1));

    let name = fresh("ann");
    cli.ok("ann", &["profile", "--username", &name]).await;
    let found = cli.ok("bob", &["people", "search", &name]).await;
    assert!(found.contains(&name) && found.lines().count() == 1, "{found}");
    assert_eq!(cli.ok("bob", &["people", "search", &ann]).await, "");

    cli.ok("ann", &["account", "password", "--new-password", NEW]).await;
    cli.ok("phone", &["login", &name, "--password", NEW]).await;
    let unsure = cli.run("ann", &["account", "delete", "--password", NEW]).await;
    assert!(String::from_utf8_lossy(&unsure.stderr).contains("--yes"));
    cli.ok("ann", &["account", "delete", "--yes", "--password", NEW]).await;
    assert_eq!(cli.ok("bob", &["people", "search", &name]).await, "");
    let over = cli.run("phone", &["profile"]).await;
    assert_eq!(over.status.code(), Some(1));
    let stays = cli.ok("bob", &["profile"]).await;
    assert!(stays.contains(&bob), "{stays}");
    cloud.stop().await;
}
