//! Changes of groups side by side, over real sockets: however they end, every device of everybody ends with the same.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};
use tidings_e2e::person::client_id;
use tidings_e2e::{Cloud, Device, Person, Socket};
use tidings_local::faults::{Plan, Posts};
use tidings_protocol::actions::{ACTIONS, Exchange};
use tokio::time::{sleep, timeout};

/// How often each race is run.
const ROUNDS: u32 = 10;

/// Longest head start of one of those who race.
const HEAD_START_MS: u64 = 40;

/// How long a push may take.
const SEEN_WITHIN: Duration = Duration::from_secs(2);

/// How long it may take before a test gives up: a job may come again.
const HEARD_WITHIN: Duration = Duration::from_secs(10);

/// A place of a log.
type Place = (String, u64);

/// A device that has been online from the beginning, and what it heard.
struct Seat {
    person: Person,
    device: Device,
    socket: Socket,
    heard: BTreeMap<Place, Value>,
    /// What it was answered and not pushed.
    own: BTreeSet<Place>,
}

impl Seat {
    async fn take(cloud: &Cloud, person: &Person, id: &str) -> Self {
        let device = person.device(cloud, id).await;
        let socket = device.connect(cloud).await;
        Self { person: person.clone(), device, socket, heard: BTreeMap::new(), own: BTreeSet::new() }
    }

    fn id(&self) -> String {
        self.person.user.to_string()
    }

    /// The place that a request got, or the code of its refusal.
    async fn ask(&mut self, action: &str, mut fields: Value) -> Result<u64, String> {
        fields["client_id"] = json!(client_id());
        let conversation = fields["conversation"].as_str().map(str::to_owned);
        let group = fields["group"].as_str().map(|group| format!("g:{group}"));
        let reply = self.socket.ask(action, fields).await;
        if let Some(code) = reply["error"]["code"].as_str() {
            return Err(code.to_owned());
        }
        let told = reply["ok"]["conversation"].as_str().map(str::to_owned);
        let seq = reply["ok"]["seq"].as_u64().unwrap();
        self.own.extend(conversation.or(told).or(group).map(|conversation| (conversation, seq)));
        Ok(seq)
    }

    async fn change(&mut self, group: &str, action: &str, mut fields: Value) -> Result<u64, String> {
        fields["group"] = json!(group);
        self.ask(action, fields).await
    }

    async fn say(&mut self, group: &str) -> Result<u64, String> {
        let body = json!({ "type": "text", "text": "hello" });
        self.ask("message.send", json!({ "conversation": format!("g:{group}"), "body": body })).await
    }

    /// Waits until it has heard these places of a log, as they are there.
    async fn hears(&mut self, conversation: &str, entries: &[Value], within: Duration) {
        for entry in entries {
            let place = (conversation.to_owned(), entry["seq"].as_u64().unwrap());
            while !self.heard.contains_key(&place) && !self.own.contains(&place) {
                let event = timeout(within, self.socket.event()).await;
                let event = event.unwrap_or_else(|_| panic!("{} hears nothing of {entry}", self.id()));
                if event["type"] == "entry" {
                    let told = event["conversation"].as_str().unwrap().to_owned();
                    self.heard.insert((told, event["entry"]["seq"].as_u64().unwrap()), event["entry"].clone());
                }
            }
            assert!(self.heard.get(&place).is_none_or(|heard| heard == entry), "{entry}");
        }
    }
}

/// Three people, one of them with two devices.
async fn party(cloud: &Cloud) -> [Seat; 4] {
    let (ann, bob, cat) = (cloud.person("ann").await, cloud.person("bob").await, cloud.person("cat").await);
    [
        Seat::take(cloud, &ann, "laptop").await,
        Seat::take(cloud, &ann, "phone").await,
        Seat::take(cloud, &bob, "desk").await,
        Seat::take(cloud, &cat, "desk").await,
    ]
}

/// A group that anybody may join, of its founder and these.
async fn found(founder: &mut Seat, members: &[String]) -> String {
    let request = json!({ "client_id": client_id(), "name": "Race", "joining": "open", "members": members });
    let group = founder.socket.ok("group.create", request).await["group"].as_str().unwrap().to_owned();
    founder.own.insert((format!("g:{group}"), 1));
    group
}

async fn head_start() {
    sleep(Duration::from_millis(rand::random::<u64>() % HEAD_START_MS)).await;
}

/// What a log says about its group.
#[derive(Default)]
struct Replayed {
    roles: BTreeMap<String, String>,
    /// The places that each may see.
    seen: BTreeMap<String, Vec<u64>>,
}

impl Replayed {
    fn of(entries: &[Value]) -> Self {
        let mut replayed = Self::default();
        for (entry, seq) in entries.iter().zip(1..) {
            assert_eq!(entry["seq"], seq, "no hole");
            replayed.read(entry, seq);
        }
        replayed
    }

    fn read(&mut self, entry: &Value, seq: u64) {
        let body = &entry["body"];
        let (sender, user) = (entry["sender"].as_str().unwrap().to_owned(), body["user"].as_str().map(str::to_owned));
        let mut gone = None;
        match (body["type"].as_str().unwrap(), user) {
            ("group_created", _) => {
                let members = body["members"].as_array().unwrap().iter();
                self.roles.extend(members.map(|member| (member.as_str().unwrap().to_owned(), "member".to_owned())));
                self.roles.insert(sender, "owner".to_owned());
            }
            ("member_joined", Some(user)) => {
                assert_eq!(self.roles.insert(user, "member".to_owned()), None, "nobody comes twice");
            }
            ("member_left" | "member_removed", Some(user)) => gone = Some(user),
            ("owner_changed", Some(user)) => {
                assert_eq!(self.roles.insert(sender, "admin".to_owned()).as_deref(), Some("owner"));
                self.roles.insert(user, "owner".to_owned());
            }
            ("role_changed", Some(user)) => {
                self.roles.insert(user, body["role"].as_str().unwrap().to_owned());
            }
            _ => assert!(self.roles.contains_key(&sender), "{entry} by who is no member"),
        }
        for user in self.roles.keys() {
            self.seen.entry(user.clone()).or_default().push(seq);
        }
        if let Some(user) = gone {
            assert!(self.roles.remove(&user).is_some(), "nobody goes twice");
        }
    }
}

async fn history(socket: &mut Socket, conversation: &str) -> Vec<Value> {
    let page = socket.ok("history", json!({ "conversation": conversation, "limit": 100 })).await;
    page["entries"].as_array().unwrap().clone()
}

/// Members with their roles, as a device is told.
async fn members(socket: &mut Socket, group: &str) -> BTreeMap<String, String> {
    let page = socket.ok("group.members", json!({ "group": group })).await;
    let member =
        |member: &Value| (member["user"].as_str().unwrap().to_owned(), member["role"].as_str().unwrap().to_owned());
    page["members"].as_array().unwrap().iter().map(member).collect()
}

/// Every device of everybody, that was there or comes anew, has of the group what its log says; the first of them sees
/// all of it. What the log says.
async fn agree(cloud: &Cloud, seats: &mut [Seat; 4], group: &str) -> Vec<Value> {
    let conversation = format!("g:{group}");
    let log = history(&mut seats[0].socket, &conversation).await;
    let replayed = Replayed::of(&log);
    assert_eq!(replayed.roles.values().filter(|role| *role == "owner").count(), 1, "{:?}", replayed.roles);
    for seat in seats {
        let Some(seen) = replayed.seen.get(&seat.id()) else { continue };
        let visible: Vec<_> =
            log.iter().filter(|entry| seen.contains(&entry["seq"].as_u64().unwrap())).cloned().collect();
        // Who is read as a member after the removal is told no more than that: their device has a gap, and pulls.
        let is_member = replayed.roles.contains_key(&seat.id());
        let told = if is_member { &visible[..] } else { &visible[visible.len() - 1..] };
        seat.hears(&conversation, told, HEARD_WITHIN).await;
        assert_eq!(history(&mut seat.socket, &conversation).await, visible, "what {} sees", seat.id());
        let heard = seat.heard.keys().filter(|(log, _)| *log == conversation);
        let beyond: Vec<_> = heard.filter(|(_, seq)| !seen.contains(seq)).collect();
        assert!(beyond.is_empty(), "{} hears what is not for them: {beyond:?}", seat.id());

        // The same device again, as one that knows nothing.
        let mut fresh = seat.device.connect(cloud).await;
        let synced = fresh.ok("sync", json!({})).await;
        let synced = synced["conversations"].as_array().unwrap().iter().find(|it| it["conversation"] == *conversation);
        let synced = synced.unwrap();
        assert_eq!((&synced["head_seq"], synced["left"] == true), (&json!(seen.last()), !is_member));
        assert_eq!(history(&mut fresh, &conversation).await, visible, "what {} sees", seat.id());
        if is_member {
            assert_eq!(members(&mut fresh, group).await, replayed.roles);
            let info = fresh.ok("group.info", json!({ "group": group })).await;
            assert_eq!(info["card"]["members"], replayed.roles.len());
            assert_eq!(info["details"]["me"]["role"], replayed.roles[&seat.id()]);
        }
        // It has replaced the one before.
        seat.socket = fresh;
    }
    log
}

fn count(log: &[Value], kind: &str) -> usize {
    log.iter().filter(|entry| entry["body"]["type"] == kind).count()
}

/// SEE-1: what the removed say is heard before the removal or not at all.
#[tokio::test]
async fn who_is_removed_while_sending_ends_in_one_state() {
    let cloud = Cloud::start().await;
    let mut seats = party(&cloud).await;
    let mut cut_short = 0;
    for _ in 0..ROUNDS {
        let (bob, cat) = (seats[2].id(), seats[3].id());
        let group = found(&mut seats[0], &[bob.clone(), cat]).await;
        let [ann, _, bobs, _] = &mut seats;
        let talk = async {
            let mut said = 0;
            for _ in 0..8 {
                match bobs.say(&group).await {
                    Ok(_) => said += 1,
                    Err(code) => assert_eq!(code, "not_a_member"),
                }
            }
            said
        };
        let kick = async {
            head_start().await;
            ann.change(&group, "group.kick", json!({ "user": bob })).await.unwrap()
        };
        let (said, _) = tokio::join!(talk, kick);
        cut_short += u32::from(said < 8);
        let log = agree(&cloud, &mut seats, &group).await;
        assert_eq!((count(&log, "text"), count(&log, "member_removed")), (said, 1));
    }
    assert!(cut_short > 0, "nobody was removed while sending");
    cloud.stop().await;
}

#[tokio::test]
async fn who_joins_while_a_group_ends_is_in_before_or_not_at_all() {
    let cloud = Cloud::start().await;
    let mut seats = party(&cloud).await;
    for _ in 0..ROUNDS {
        let group = found(&mut seats[0], &[]).await;
        let [ann, _, bob, cat] = &mut seats;
        let end = async {
            head_start().await;
            ann.change(&group, "group.dissolve", json!({})).await.unwrap()
        };
        let join = async |seat: &mut Seat| {
            head_start().await;
            seat.change(&group, "group.join", json!({})).await
        };
        let (end, bobs, cats) = tokio::join!(end, join(bob), join(cat));
        let mut came = 0;
        for joined in [bobs, cats] {
            match joined {
                Ok(seq) => {
                    assert!(seq < end, "{seq} after the end at {end}");
                    came += 1;
                }
                Err(code) => assert_eq!(code, "not_a_member", "who never was in it cannot tell that it is over"),
            }
        }
        let log = agree(&cloud, &mut seats, &group).await;
        assert_eq!((count(&log, "member_joined"), log.len()), (came, came + 2));
    }
    cloud.stop().await;
}

#[tokio::test]
async fn of_two_transfers_one_counts() {
    let cloud = Cloud::start().await;
    let mut seats = party(&cloud).await;
    for _ in 0..ROUNDS {
        let (bob, cat) = (seats[2].id(), seats[3].id());
        let group = found(&mut seats[0], &[bob.clone(), cat.clone()]).await;
        let [laptop, phone, _, _] = &mut seats;
        let hand_over = async |seat: &mut Seat, to: &str| {
            head_start().await;
            seat.change(&group, "group.transfer", json!({ "user": to })).await
        };
        let (first, second) = tokio::join!(hand_over(laptop, &bob), hand_over(phone, &cat));
        let refused = if first.is_ok() { second } else { first };
        assert_eq!(refused, Err("forbidden".to_owned()));
        let log = agree(&cloud, &mut seats, &group).await;
        assert_eq!((count(&log, "owner_changed"), log.len()), (1, 2));
    }
    cloud.stop().await;
}

#[tokio::test]
async fn who_joins_during_fan_out_hears_all_from_there_on() {
    let cloud = Cloud::start().await;
    let mut seats = party(&cloud).await;
    for _ in 0..ROUNDS {
        let cat = seats[3].id();
        let group = found(&mut seats[0], &[cat]).await;
        let [ann, _, bob, cats] = &mut seats;
        let talk = async |seat: &mut Seat| {
            for _ in 0..4 {
                seat.say(&group).await.unwrap();
            }
        };
        let join = async {
            head_start().await;
            bob.change(&group, "group.join", json!({})).await.unwrap()
        };
        tokio::join!(talk(ann), talk(cats), join);
        let log = agree(&cloud, &mut seats, &group).await;
        assert_eq!(log.len(), 10);
    }
    cloud.stop().await;
}

/// Every change that there is, in an order in which each may be; who asks, and for what.
fn changes(bob: &str, cat: &str) -> Vec<(usize, &'static str, Value)> {
    vec![
        (0, "group.update", json!({ "name": "Circle" })),
        (0, "group.announce", json!({ "text": "Friday" })),
        (2, "group.nickname", json!({ "nickname": "Chief" })),
        (0, "group.role", json!({ "user": bob, "admin": true })),
        (2, "group.mute", json!({ "user": cat, "muted": true, "seconds": 60 })),
        (2, "group.mute", json!({ "muted": true })),
        (0, "group.link", json!({ "seconds": 60 })),
        (0, "group.kick", json!({ "user": cat })),
        (3, "group.join", json!({})),
        (3, "group.leave", json!({})),
        (0, "group.update", json!({ "joining": "approval" })),
        (3, "group.join", json!({ "greeting": "Again?" })),
        (2, "group.answer", json!({ "user": cat, "accept": true })),
        (0, "group.kick", json!({ "user": cat })),
        (2, "group.invite", json!({ "user": cat })),
        (3, "group.join", json!({})),
        (0, "group.remark", json!({ "remark": "Ours" })),
        (0, "group.transfer", json!({ "user": bob })),
        (2, "group.dissolve", json!({})),
    ]
}

#[test]
fn every_action_that_changes_a_group_is_among_the_changes() {
    let changes: BTreeSet<_> = changes("", "").into_iter().map(|(_, action, _)| action).collect();
    let changing = ACTIONS.iter().filter(|action| match action.exchange {
        Exchange::Reply { examples, .. } => examples.iter().any(|(frame, _)| frame.contains("\"client_id\"")),
        Exchange::Lifecycle | Exchange::Silent { .. } => false,
    });
    let mut changing: BTreeSet<_> =
        changing.map(|action| action.name).filter(|name| name.starts_with("group.")).collect();
    // Which comes before all others.
    assert!(changing.remove("group.create"));
    assert_eq!(changes, changing);
}

/// The heads of a group and of somebody's notices, as a sync tells them.
async fn heads(socket: &mut Socket, group: &str, user: &str) -> BTreeMap<String, u64> {
    let page = socket.ok("sync", json!({})).await;
    let wanted = [format!("g:{group}"), format!("n:{user}")];
    let head = |it: &Value| (it["conversation"].as_str().unwrap().to_owned(), it["head_seq"].as_u64().unwrap());
    let heads = page["conversations"].as_array().unwrap().iter().map(head);
    heads.filter(|(conversation, _)| wanted.contains(conversation)).collect()
}

/// Makes every change, and looks after each whether it is seen.
async fn after_each_change(seats: &mut [Seat; 4], mut look: impl AsyncFnMut(&mut [Seat; 4], &str, &str)) {
    let (bob, cat) = (seats[2].id(), seats[3].id());
    let group = found(&mut seats[0], &[bob.clone(), cat.clone()]).await;
    for (seat, action, fields) in changes(&bob, &cat) {
        seats[seat].change(&group, action, fields).await.unwrap();
        look(seats, &group, action).await;
    }
}

#[tokio::test]
async fn every_change_is_seen_by_push_within_two_seconds() {
    let cloud = Cloud::start().await;
    let mut seats = party(&cloud).await;
    // The first calls start the functions.
    let warm = found(&mut seats[0], &[]).await;
    seats[0].change(&warm, "group.dissolve", json!({})).await.unwrap();
    after_each_change(&mut seats, async |seats, group, _| {
        for seat in seats {
            let user = seat.id();
            for (conversation, head) in heads(&mut seat.socket, group, &user).await {
                let newest = history(&mut seat.socket, &conversation).await.pop().unwrap();
                assert_eq!(newest["seq"], head);
                seat.hears(&conversation, &[newest], SEEN_WITHIN).await;
            }
        }
    })
    .await;
    cloud.stop().await;
}

/// What a device without pushes sees of each change: its place, wherever it is told.
#[tokio::test]
async fn every_change_is_seen_by_sync_alone() {
    let cloud = Cloud::start().await;
    let mut seats = party(&cloud).await;
    cloud.inject(Plan { posts: Posts { gone: 1.0, ..Posts::default() }, ..Plan::default() });
    after_each_change(&mut seats, async |seats, group, action| {
        // Ann founded it, so her phone sees whatever is told the group.
        let log = history(&mut seats[0].socket, &format!("g:{group}")).await;
        let replayed = Replayed::of(&log);
        for seat in seats {
            let user = seat.id();
            let seen = heads(&mut seat.socket, group, &user).await;
            let last = replayed.seen[&user].last().unwrap();
            assert_eq!(seen[&format!("g:{group}")], *last, "{action}");
            assert_eq!(seat.heard.len(), 0);
        }
    })
    .await;
    // Who asked, was answered, and was invited; and who told themselves what they call it.
    for (seat, told) in [(3, "group_invitation"), (1, "group_remark"), (2, "group_invitation")] {
        let notices = format!("n:{}", seats[seat].id());
        let last = history(&mut seats[seat].socket, &notices).await.pop().unwrap();
        assert_eq!(last["body"]["type"], told);
    }
    assert!(cloud.injected("posts.gone") > 20, "pushes were dropped");
    for seat in &mut seats {
        assert!(seat.socket.is_quiet(1).await, "nothing was pushed");
    }
    cloud.stop().await;
}
