//! The table of permissions, cell by cell, over real sockets: whoever may is answered, whoever may not is told why, and
//! changes nothing.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use tidings_domain::group::Role;
use tidings_domain::group::permissions::{Act, Denied};
use tidings_domain::ids::GroupId;
use tidings_e2e::person::client_id;
use tidings_e2e::{Cloud, Person, Socket};
use tidings_wire::refusal;

/// Somebody, as they stand to the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Who {
    Outsider,
    Former,
    Member,
    Admin,
    Owner,
    /// A member to whom things are done.
    Other,
    /// An outsider who has asked to come in.
    Guest,
}

/// Who acts.
const ACTORS: [Who; 5] = [Who::Outsider, Who::Former, Who::Member, Who::Admin, Who::Owner];

/// How the group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Usual,
    /// With the permissions that are settings turned round.
    Turned,
    AllMuted,
    /// The member and the admin are muted.
    Muted,
    Dissolved,
}

const STATES: [State; 5] = [State::Usual, State::Turned, State::AllMuted, State::Muted, State::Dissolved];

const fn role(who: Who) -> Option<Role> {
    match who {
        Who::Outsider | Who::Former | Who::Guest => None,
        Who::Member | Who::Other => Some(Role::Member),
        Who::Admin => Some(Role::Admin),
        Who::Owner => Some(Role::Owner),
    }
}

/// What members, admins and the owner may do; `lower` is to lower roles, `set` by the group's settings. Written down a
/// second time: a walk that asked the code what to expect would bless whatever it says.
const TABLE: [(Act, [&str; 3]); 15] = [
    (Act::Write, ["yes", "yes", "yes"]),
    (Act::Look, ["yes", "yes", "yes"]),
    (Act::Edit, ["set", "set", "yes"]),
    (Act::Settle, ["no", "yes", "yes"]),
    (Act::Announce, ["no", "yes", "yes"]),
    (Act::Invite, ["set", "set", "yes"]),
    (Act::Admit, ["no", "yes", "yes"]),
    (Act::Remove, ["no", "lower", "lower"]),
    (Act::Mute, ["no", "lower", "lower"]),
    (Act::MuteAll, ["no", "yes", "yes"]),
    (Act::Appoint, ["no", "no", "lower"]),
    (Act::HandOver, ["no", "no", "yes"]),
    (Act::Rename, ["yes", "yes", "yes"]),
    (Act::Leave, ["yes", "yes", "no"]),
    (Act::Dissolve, ["no", "no", "yes"]),
];

/// The least role that may, where it is a setting: as groups are founded, and turned round.
const fn least(act: Act, state: State) -> Role {
    match (act, state) {
        (Act::Invite, State::Turned) => Role::Owner,
        (Act::Invite, _) | (_, State::Turned) => Role::Member,
        _ => Role::Admin,
    }
}

/// What the table says, and the state of the group and of the member.
fn expected(act: Act, state: State, actor: Who, target: Option<Role>) -> Result<(), Denied> {
    let Some(role) = role(actor) else { return Err(Denied::NotAMember) };
    if state == State::Dissolved && act != Act::Look {
        return Err(Denied::Dissolved);
    }
    let (_, cells) = TABLE.iter().find(|(it, _)| *it == act).unwrap();
    let may = match cells[role as usize] {
        "yes" => true,
        "no" => false,
        "lower" => target.is_none_or(|target| target < role),
        _ => role >= least(act, state),
    };
    match state {
        _ if !may => Err(Denied::Role),
        State::Muted if act == Act::Write && role < Role::Owner => Err(Denied::Muted),
        State::AllMuted if act == Act::Write && role == Role::Member => Err(Denied::AllMuted),
        _ => Ok(()),
    }
}

/// Everybody with a device, and the group that is walked.
struct Walk {
    people: BTreeMap<Who, (Person, Socket)>,
    group: String,
    /// The place of its last entry.
    head: u64,
}

impl Walk {
    async fn begin(cloud: &Cloud) -> Self {
        let mut people = BTreeMap::new();
        for who in [ACTORS.as_slice(), &[Who::Other, Who::Guest]].concat() {
            let person = cloud.person(&format!("{who:?}").to_lowercase()).await;
            let socket = person.online(cloud, "desk").await;
            people.insert(who, (person, socket));
        }
        Self { people, group: String::new(), head: 0 }
    }

    fn id(&self, who: Who) -> String {
        self.people[&who].0.user.to_string()
    }

    async fn ask(&mut self, who: Who, action: &str, mut fields: Value) -> Value {
        if action == "message.send" {
            fields["conversation"] = json!(format!("g:{}", self.group));
        } else {
            fields["group"] = json!(self.group);
        }
        fields["client_id"] = json!(client_id());
        self.people.get_mut(&who).unwrap().1.ask(action, fields).await
    }

    async fn change(&mut self, who: Who, action: &str, fields: Value) {
        let reply = self.ask(who, action, fields).await;
        assert!(reply["ok"].is_object(), "{action}: {reply}");
        self.follow(&reply["ok"]);
    }

    /// The group's log grew by what is answered, if it tells of it, and by nothing else: who is refused appends nothing.
    fn follow(&mut self, ok: &Value) {
        let elsewhere = ok["conversation"].as_str().is_some_and(|conversation| !conversation.starts_with("g:"));
        if let Some(seq) = ok["seq"].as_u64().filter(|_| !elsewhere) {
            assert!((self.head..=self.head + 1).contains(&seq), "{ok} after {}", self.head);
            self.head = seq;
        }
    }

    /// A new group in this state, with somebody who asks to come in.
    async fn found(&mut self, state: State) {
        let mut request = json!({ "client_id": client_id(), "name": "Walk", "joining": "approval" });
        request["members"] =
            [Who::Former, Who::Member, Who::Admin, Who::Other].map(|who| self.id(who)).as_slice().into();
        if state == State::Turned {
            request["permissions"] =
                json!({ "invite": "owner", "edit": "member", "pin": "admin", "mention_all": "admin" });
        }
        let founded = self.people.get_mut(&Who::Owner).unwrap().1.ok("group.create", request).await;
        founded["group"].as_str().unwrap().clone_into(&mut self.group);
        self.head = 1;
        let admin = json!({ "user": self.id(Who::Admin), "admin": true });
        self.change(Who::Owner, "group.role", admin).await;
        self.change(Who::Former, "group.leave", json!({})).await;
        self.change(Who::Guest, "group.join", json!({})).await;
        match state {
            State::Usual | State::Turned => {}
            State::AllMuted => self.change(Who::Owner, "group.mute", json!({ "muted": true })).await,
            State::Muted => {
                for who in [Who::Member, Who::Admin] {
                    let muting = json!({ "user": self.id(who), "muted": true, "seconds": 3_600 });
                    self.change(Who::Owner, "group.mute", muting).await;
                }
            }
            State::Dissolved => self.change(Who::Owner, "group.dissolve", json!({})).await,
        }
    }

    /// Everything that an act can be, done to this person where it is done to somebody.
    fn asked(&self, act: Act, target: Who) -> Vec<(&'static str, Value)> {
        let (target, guest) = (self.id(target), self.id(Who::Guest));
        match act {
            Act::Write => vec![("message.send", json!({ "body": { "type": "text", "text": "hello" } }))],
            Act::Look => vec![
                ("group.info", json!({})),
                ("group.members", json!({})),
                ("group.member", json!({ "user": target })),
            ],
            Act::Edit => vec![("group.update", json!({ "name": "Run" }))],
            Act::Settle => vec![("group.update", json!({ "history": "all" }))],
            Act::Announce => vec![("group.announce", json!({ "text": "Friday" }))],
            Act::Invite => vec![("group.invite", json!({ "user": guest }))],
            Act::Admit => vec![
                ("group.requests", json!({})),
                ("group.link", json!({ "seconds": 60 })),
                ("group.answer", json!({ "user": guest, "accept": true })),
            ],
            Act::Remove => vec![("group.kick", json!({ "user": target }))],
            Act::Mute => vec![("group.mute", json!({ "user": target, "muted": true, "seconds": 60 }))],
            Act::MuteAll => vec![("group.mute", json!({ "muted": true }))],
            Act::Appoint => vec![("group.role", json!({ "user": target, "admin": true }))],
            Act::HandOver => vec![("group.transfer", json!({ "user": target }))],
            Act::Rename => vec![("group.nickname", json!({ "nickname": "Walker" }))],
            Act::Leave => vec![("group.leave", json!({}))],
            Act::Dissolve => vec![("group.dissolve", json!({}))],
        }
    }

    /// One cell: every action of the act is answered as the table says. Whether it was allowed.
    async fn cell(&mut self, act: Act, state: State, actor: Who, target: Who) -> bool {
        let expected = expected(act, state, actor, role(target));
        let asked = self.asked(act, target);
        let names: BTreeSet<_> = asked.iter().map(|(action, _)| *action).collect();
        assert_eq!(names, act.actions().iter().copied().collect(), "{act:?} is asked in all its ways");
        for (action, fields) in asked {
            let cell = format!("{act:?} ({action}) by {actor:?} to {target:?}, {state:?}");
            let reply = self.ask(actor, action, fields).await;
            if let Err(denied) = expected {
                assert_eq!(reply["error"], json!(refusal::denied(denied)), "{cell}");
            } else {
                assert!(reply["ok"].is_object(), "{cell}: {reply}");
                self.follow(&reply["ok"]);
            }
        }
        expected.is_ok()
    }
}

/// To whom it is done. Where that makes no difference, it is done to a member.
fn targets(act: Act) -> &'static [Who] {
    if TABLE.iter().any(|(it, cells)| *it == act && cells.contains(&"lower")) {
        &[Who::Other, Who::Admin, Who::Owner]
    } else {
        &[Who::Other]
    }
}

#[tokio::test]
async fn every_cell_of_the_table_is_what_is_answered() {
    let cloud = Cloud::start().await;
    let mut walk = Walk::begin(&cloud).await;
    let (mut allowed, mut refused) = (0, 0);
    for state in STATES {
        walk.found(state).await;
        for act in Act::ALL {
            for (target, actor) in targets(act).iter().flat_map(|target| ACTORS.map(|actor| (*target, actor))) {
                if walk.cell(act, state, actor, target).await {
                    allowed += 1;
                    walk.found(state).await;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(allowed > 100 && refused > 300, "{allowed} cells allowed, {refused} refused");
    cloud.stop().await;
}

/// SEE-1: whatever a stranger asks of a group that they may not find, it is answered as if there were none.
#[tokio::test]
async fn outsiders_cannot_tell_a_hidden_group_from_none() {
    let cloud = Cloud::start().await;
    let mut walk = Walk::begin(&cloud).await;
    walk.found(State::Usual).await;
    walk.change(Who::Owner, "group.update", json!({ "joining": "invitation" })).await;
    let hidden = walk.group.clone();
    walk.found(State::Dissolved).await;
    let ended = walk.group.clone();
    let mut asked: Vec<_> = Act::ALL.iter().flat_map(|act| walk.asked(*act, Who::Other)).collect();
    asked.extend([
        ("group.join", json!({})),
        ("group.join", json!({ "link": "01JD0000000000000000000C00" })),
        ("group.remark", json!({ "remark": "Mine" })),
        ("message.send", json!({ "after": 2, "body": { "type": "text", "text": "hello" } })),
        ("message.send", json!({ "after": 99, "body": { "type": "text", "text": "hello" } })),
    ]);
    for (action, fields) in asked {
        walk.group = GroupId::from_bits(rand::random::<u128>() >> 3).to_string();
        let none = walk.ask(Who::Outsider, action, fields.clone()).await;
        assert!(none["error"].is_object(), "{action}: {none}");
        for group in [&hidden, &ended] {
            walk.group.clone_from(group);
            let answer = walk.ask(Who::Outsider, action, fields.clone()).await;
            assert_eq!(answer["error"], none["error"], "{action} {fields}");
        }
    }
    walk.group = ended;
    let back = walk.ask(Who::Former, "group.join", json!({})).await;
    assert_eq!(back["error"]["code"], "forbidden", "who was in it may know that it is over");
    cloud.stop().await;
}
