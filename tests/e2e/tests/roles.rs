//! Rights taken away one at a time, where roles are enforced and may be changed: what a function then cannot do shows
//! that its role is what lets it.
//!
//! In one test, one after the other: nobody else may be at work meanwhile.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::time::Duration;

use serde_json::{Value, json};
use tidings_e2e::cloud::eventually;
use tidings_e2e::person::{PASSWORD, client_id, post};
use tidings_e2e::{Cloud, Person, Socket};
use tokio::time::sleep;

/// How long to wait for what must not happen.
const QUIET: Duration = Duration::from_secs(2);

/// What fails without a right.
#[derive(Clone, Copy, Debug)]
enum Probe {
    SignIn,
    SyncOverHttp,
    Leave,
    EndContacts,
    Connect,
    Disconnect,
    FindSomebody,
    ListDevices,
    AskPresence,
    Watch,
    Type,
    TypeInGroup,
    Search,
    UpdateProfile,
    Block,
    ListContacts,
    Greet,
    Send,
    SendToMany,
    Sync,
    History,
    Read,
    Task,
    Found,
    ListGroups,
    Members,
    SayInGroup,
    HearInGroup,
}

/// What every role has: its own log, and traces where they are on.
const OF_EVERYBODY: &[&str] = &["OwnLog", "Traces"];

/// Each function's rights with what fails without them. `authorizer` and `default` call nobody: they have none. Some
/// rights are not here because nothing fails without them: what two ports allow alike (a session lies beside its account,
/// under the same keys, and whoever may change accounts may make them), `send`'s posts (the retry queue's worker makes up
/// for them), and `BatchGetItem`, which MiniStack 1.5.33 lets through.
const TAKEN: &[(&str, &str, Probe)] = &[
    ("api", "UsernamesRead", Probe::SignIn),
    ("api", "InboxesList", Probe::SyncOverHttp),
    ("api", "InboxesEntry", Probe::Leave),
    ("api", "InboxesWrite", Probe::Leave),
    ("api", "GroupsRead", Probe::Leave),
    ("api", "GroupsMembers", Probe::Leave),
    ("api", "GroupsTell", Probe::Leave),
    ("api", "GroupsWrite", Probe::Leave),
    ("api", "NoticesAppend", Probe::EndContacts),
    ("api", "ContactsWrite", Probe::EndContacts),
    ("connect", "RoutesClaim", Probe::Connect),
    ("contact", "UsernamesRead", Probe::FindSomebody),
    ("contact", "AccountsRead", Probe::FindSomebody),
    ("contact", "AccountsUpdate", Probe::UpdateProfile),
    ("contact", "PeopleSearch", Probe::Search),
    ("contact", "LogRead", Probe::Block),
    ("contact", "NoticesAppend", Probe::Block),
    ("contact", "ContactsWrite", Probe::Block),
    ("contact", "InboxesWrite", Probe::Block),
    ("contact", "ContactsList", Probe::ListContacts),
    ("deliver", "RoutesList", Probe::Task),
    ("deliver", "GatewayPost", Probe::Task),
    ("device", "SessionsList", Probe::ListDevices),
    ("device", "RoutesList", Probe::ListDevices),
    ("disconnect", "RoutesRelease", Probe::Disconnect),
    ("deliver", "GroupsMembers", Probe::HearInGroup),
    ("group", "LogRead", Probe::Found),
    ("group", "GroupsTell", Probe::Found),
    ("group", "GroupsWrite", Probe::Found),
    ("group", "InboxesWrite", Probe::Found),
    ("group", "AccountsRead", Probe::Found),
    ("group", "InboxesEntry", Probe::Found),
    ("group", "GroupsRead", Probe::Found),
    ("group", "GroupsList", Probe::Members),
    ("group", "InboxesList", Probe::ListGroups),
    ("send", "GroupsState", Probe::SayInGroup),
    ("presence", "RoutesList", Probe::AskPresence),
    ("presence", "GroupsRecord", Probe::TypeInGroup),
    ("presence", "GroupsMembers", Probe::TypeInGroup),
    ("presence", "InboxesEntry", Probe::Type),
    ("presence", "GatewayPost", Probe::Type),
    ("presence", "WatchesRead", Probe::Watch),
    ("presence", "WatchesWrite", Probe::Watch),
    ("send", "AccountsCheck", Probe::Greet),
    ("send", "LogRead", Probe::Send),
    ("send", "LogAppend", Probe::Send),
    ("send", "RoutesList", Probe::Send),
    ("send", "QueueFanout", Probe::SendToMany),
    ("sync", "InboxesList", Probe::Sync),
    ("sync", "LogRead", Probe::History),
    ("sync", "InboxesWrite", Probe::Read),
];

/// Ann at her laptop, Bob at his desk, and Cat everywhere.
struct Talk {
    cloud: Cloud,
    ann: Person,
    bob: Person,
    laptop: Socket,
    desk: Socket,
    /// On more devices than a sender posts to itself.
    cat: Person,
    cats: Vec<Socket>,
    /// A group of Ann's and Bob's.
    club: String,
}

impl Talk {
    async fn begin() -> Self {
        let cloud = Cloud::start().await;
        let (ann, bob) = (cloud.person("ann").await, cloud.person("bob").await);
        let mut laptop = ann.online(&cloud, "laptop").await;
        let founded = laptop.ok("group.create", founding(&bob)).await;
        let club = founded["group"].as_str().unwrap().to_owned();
        // After what was told of it.
        sleep(QUIET).await;
        let desk = bob.online(&cloud, "desk").await;
        let cat = cloud.person("cat").await;
        let mut cats = Vec::new();
        for number in 0..6 {
            cats.push(cat.online(&cloud, &format!("device-{number}")).await);
        }
        Self { cloud, ann, bob, laptop, desk, cat, cats, club }
    }

    fn message(&self) -> Value {
        let body = json!({ "type": "text", "text": "hello" });
        json!({ "conversation": self.ann.with(&self.bob).to_string(), "client_id": client_id(), "body": body })
    }

    fn in_group(&self) -> Value {
        let mut message = self.message();
        message["conversation"] = json!(format!("g:{}", self.club));
        message
    }

    async fn asks(&mut self, action: &str, fields: Value) -> bool {
        self.laptop.ask(action, fields).await["ok"].is_object()
    }

    async fn post(&self, path: &str, body: Value) -> bool {
        post(&self.cloud, path, None, &body).await.0 < 400
    }

    /// Whether it works.
    async fn works(&mut self, probe: Probe) -> bool {
        let talk = self.ann.with(&self.bob).to_string();
        match probe {
            Probe::SignIn => {
                let device = json!({ "id": "tablet", "name": "tablet", "platform": "tablet" });
                let who = json!({ "username": self.ann.username, "password": PASSWORD, "device": device });
                self.post("/v1/sessions", who).await
            }
            Probe::SyncOverHttp => {
                self.ann.device(&self.cloud, "tablet").await.get(&self.cloud, "/v1/sync").await.0 < 400
            }
            Probe::Connect => {
                let ticket = self.ann.device(&self.cloud, "tablet").await.ticket(&self.cloud).await;
                let opened = Socket::open(&format!("{}?ticket={}", ticket.url, ticket.ticket)).await;
                let works = opened.is_ok();
                if let Ok(socket) = opened {
                    socket.close().await;
                }
                works
            }
            Probe::Disconnect => {
                self.ann.online(&self.cloud, "tablet").await.close().await;
                sleep(QUIET).await;
                self.cloud.route(self.ann.user, "tablet").await["connection_id"].is_null()
            }
            Probe::Leave => self.leaves("group.create", founding(&self.cat)).await,
            Probe::EndContacts => {
                let request = json!({ "user": self.cat.user.to_string(), "client_id": client_id() });
                self.leaves("contact.request", request).await
            }
            Probe::FindSomebody => self.asks("user.get", json!({ "username": self.bob.username })).await,
            Probe::ListDevices => self.asks("device.list", json!({})).await,
            Probe::AskPresence => self.asks("presence.query", json!({ "users": [self.bob.user.to_string()] })).await,
            Probe::Watch => self.asks("presence.watch", json!({ "users": [self.bob.user.to_string()] })).await,
            Probe::Type => self.types(&talk).await,
            Probe::TypeInGroup => {
                let club = format!("g:{}", self.club);
                self.types(&club).await
            }
            Probe::Search => self.asks("user.search", json!({ "prefix": self.bob.username })).await,
            Probe::UpdateProfile => {
                self.asks("user.update", json!({ "client_id": client_id(), "bio": "probed" })).await
            }
            Probe::Block => {
                let who = json!({ "user": self.cat.user.to_string(), "client_id": client_id() });
                let blocked = self.asks("contact.block", who.clone()).await;
                let again = json!({ "user": who["user"], "client_id": client_id() });
                // Without the right there is nothing to take back.
                blocked && self.asks("contact.unblock", again).await
            }
            Probe::ListContacts => self.asks("contact.list", json!({})).await,
            Probe::Greet => {
                let stranger = self.cloud.person("stranger").await;
                let mut message = self.message();
                message["conversation"] = json!(self.ann.with(&stranger).to_string());
                self.asks("message.send", message).await
            }
            Probe::Send => {
                let message = self.message();
                self.asks("message.send", message).await
            }
            Probe::SendToMany => {
                let mut message = self.message();
                message["conversation"] = json!(self.ann.with(&self.cat).to_string());
                self.asks("message.send", message).await
            }
            Probe::Task => {
                let message = self.message();
                assert!(self.asks("message.send", message.clone()).await);
                assert!(self.hears().await, "the message itself");
                let task = tidings_e2e::queue::task(&self.ann, self.ann.with(&self.bob), &message);
                self.cloud.enqueue("task", &task).await;
                self.hears().await
            }
            Probe::Found => {
                let request = founding(&self.bob);
                self.asks("group.create", request).await
            }
            Probe::ListGroups => self.asks("group.list", json!({})).await,
            Probe::Members => self.asks("group.members", json!({ "group": self.club })).await,
            Probe::SayInGroup => {
                let message = self.in_group();
                self.asks("message.send", message).await
            }
            Probe::HearInGroup => {
                let message = self.in_group();
                assert!(self.asks("message.send", message).await);
                self.hears().await
            }
            Probe::Sync => self.asks("sync", json!({})).await,
            Probe::History => self.asks("history", json!({ "conversation": talk })).await,
            Probe::Read => self.asks("conversation.read", json!({ "conversation": talk, "seq": 1 })).await,
        }
    }

    /// Whether Bob's desk is told that Ann writes.
    async fn types(&mut self, conversation: &str) -> bool {
        self.laptop.send_text(json!({ "action": "typing", "conversation": conversation }).to_string()).await;
        self.hears().await
    }

    /// Whether somebody can end their account who has asked for that. It is about Cat, who is not listened to.
    async fn leaves(&self, action: &str, request: Value) -> bool {
        let device = self.cloud.person("leaver").await.device(&self.cloud, "tablet").await;
        let mut socket = device.connect(&self.cloud).await;
        assert!(socket.ask(action, request).await["ok"].is_object());
        socket.close().await;
        device.delete_account(&self.cloud, PASSWORD).await.0 < 400
    }

    /// Whether Bob's desk is told something; both sockets are told of a task.
    async fn hears(&mut self) -> bool {
        let hears = !self.desk.is_quiet(QUIET.as_millis().try_into().unwrap()).await;
        // A worker without its rights tries again; what comes of it later must not pass for what comes next.
        let fresh = self.bob.online(&self.cloud, "desk").await;
        std::mem::replace(&mut self.desk, fresh).close().await;
        hears
    }
}

fn founding(with: &Person) -> Value {
    json!({ "client_id": client_id(), "name": "Club", "members": [with.user.to_string()] })
}

#[tokio::test]
async fn without_a_right_its_function_fails() {
    let mut talk = Talk::begin().await;
    for function in talk.cloud.functions_with_roles() {
        let policy = talk.cloud.policy(function).await;
        let sids = policy["Statement"].as_array().unwrap().iter().map(|one| one["Sid"].as_str().unwrap());
        let own = sids.filter(|sid| !OF_EVERYBODY.contains(sid)).count();
        let taken = TAKEN.iter().any(|(name, ..)| *name == function);
        assert_eq!(own > 0, taken, "{function} has {own} rights of its own: a row in TAKEN for one of them, or none");
    }
    let mut unseen = Vec::new();
    for (function, statement, probe) in TAKEN {
        let whole = talk.cloud.policy(function).await;
        let mut less = whole.clone();
        let statements = less["Statement"].as_array_mut().unwrap();
        let before = statements.len();
        statements.retain(|one| one["Sid"] != *statement);
        assert_eq!(statements.len() + 1, before, "{function} has one statement {statement}");
        assert!(talk.works(*probe).await, "{function}: {probe:?} works with {statement}");
        talk.cloud.put_policy(function, &less).await;
        let works = talk.works(*probe).await;
        talk.cloud.put_policy(function, &whole).await;
        if works {
            unseen.push(format!("{function}: {probe:?} works without {statement}"));
        }
        eventually("it works again", async || talk.works(*probe).await).await;
    }
    assert!(unseen.is_empty(), "{unseen:#?}");
    let Talk { cloud, laptop, desk, cats, .. } = talk;
    for socket in [laptop, desk].into_iter().chain(cats) {
        socket.close().await;
    }
    // What failed without a right would come again in minutes.
    cloud.purge("task").await;
    cloud.stop().await;
}
