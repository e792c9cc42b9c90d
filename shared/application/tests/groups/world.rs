//! A group in memory, and what its log says about it.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::FutureExt;
use tidings_application::clock::Clock;
use tidings_application::doors::Doors;
use tidings_application::groups::ChangeGroup;
use tidings_application::ports::{AskingRead, GroupRead, InboxRead, LinkRead, MemberRead};
use tidings_domain::change::{Changed, Refusal};
use tidings_domain::contact::DirectMessages;
use tidings_domain::delivery::Event;
use tidings_domain::group::change::{self, Change, Request, Told, Wanted};
use tidings_domain::group::{History, Member, Role, Settings};
use tidings_domain::ids::{ClientId, ConversationId, GroupId, UserId};
use tidings_domain::limits::GROUP_BUCKETS;
use tidings_domain::log::{BodyHash, Entry, Kind, Seq};
use tidings_domain::membership::{Span, Spans};
use tidings_testkit::clock::TestClock;
use tidings_testkit::messages::{FakeGroups, FakePeople, FakeQueue};

pub(crate) type Answer = Result<Changed, Refusal<change::Refusal>>;

pub(crate) const GROUP: GroupId = GroupId::from_bits(7);
pub(crate) const LOG: ConversationId = ConversationId::Group(GROUP);
/// Everybody there is.
pub(crate) const PEOPLE: std::ops::RangeInclusive<u128> = 1..=5;

pub(crate) fn user(number: u128) -> UserId {
    UserId::from_bits(number)
}

/// What a call of the fakes shows: they never wait.
pub(crate) fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().unwrap()
}

/// What is told, so that it can be read again.
pub(crate) fn encode(told: &Told) -> String {
    match told {
        Told::Created { members, .. } => {
            members.iter().fold("created".to_owned(), |told, user| format!("{told} {user}"))
        }
        Told::Joined { user, .. } => format!("joined {user}"),
        Told::Left { user } | Told::Removed { user } => format!("gone {user}"),
        Told::Role { user, role } => format!("role {user} {role}"),
        Told::Owner { user } => format!("owner {user}"),
        Told::Muted { user, until } => {
            format!("muted {user} {}", until.map_or(0, tidings_domain::time::Timestamp::as_millis))
        }
        Told::AllMuted { muted } => format!("all_muted {muted}"),
        Told::Updated(edit) => {
            let history = edit.history.map_or("-", History::as_str);
            format!("updated {history} {}", edit.leavers_keep.map_or("-".to_owned(), |keep| keep.to_string()))
        }
        Told::Dissolved => "over".to_owned(),
        _ => "other".to_owned(),
    }
}

/// One group in memory.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) groups: FakeGroups,
    pub(crate) queue: FakeQueue,
    pub(crate) clock: TestClock,
    people: FakePeople,
    settings: Settings,
    requests: Cell<u128>,
    told: RefCell<BTreeSet<(ConversationId, Seq)>>,
}

impl World {
    /// A group of 1, who owns it, and the others.
    pub(crate) fn founded(settings: Settings, others: &[u128]) -> Self {
        let world = Self { settings, ..Self::default() };
        let members = others.iter().copied().map(user).collect();
        let name = "Club".parse().unwrap();
        let create = Change::Create { name, description: "".parse().unwrap(), settings, members };
        world.ask(1, create).unwrap();
        world
    }

    pub(crate) fn request(&self, actor: u128, change: Change) -> Request {
        let number = self.requests.get() + 1;
        self.requests.set(number);
        let mut hash = [0; 32];
        hash.iter_mut().zip(number.to_be_bytes()).for_each(|(to, from)| *to = from);
        let group = now(self.groups.state(GROUP, &Wanted::default())).unwrap().group;
        Request {
            group: GROUP,
            actor: user(actor),
            client_id: ClientId::new(self.clock.now(), number),
            fingerprint: BodyHash::new(hash),
            change,
            owner: group.map(|group| group.owner),
        }
    }

    pub(crate) fn run(&self, request: &Request) -> Answer {
        let (groups, queue, clock) = (self.groups.clone(), self.queue.clone(), self.clock.clone());
        let people = self.people.clone();
        let doors = Doors { inboxes: groups.inboxes.clone(), people, direct: DirectMessages::Anyone };
        let changes = ChangeGroup { log: groups.log.clone(), groups, doors, queue, clock, encode };
        now(changes.run(request.clone(), None))
    }

    pub(crate) fn ask(&self, actor: u128, change: Change) -> Answer {
        self.run(&self.request(actor, change))
    }

    pub(crate) fn log(&self) -> Vec<Entry> {
        self.groups.log.all(LOG)
    }

    fn members(&self) -> Vec<Member> {
        now(self.groups.members(GROUP, GROUP_BUCKETS)).unwrap()
    }

    fn spans(&self, user: UserId) -> Spans {
        now(self.groups.inboxes.entry(user, LOG)).unwrap().map(|entry| entry.spans).unwrap_or_default()
    }

    /// Everything that is stored, to be compared.
    pub(crate) fn stored(&self) -> String {
        let groups = &self.groups;
        let notices = PEOPLE.map(|number| ConversationId::Notices(user(number)));
        let logs: Vec<_> = notices.chain([LOG]).map(|log| groups.log.all(log)).collect();
        let inboxes: Vec<_> = PEOPLE.map(|number| now(groups.inboxes.page(user(number), None, 9)).unwrap()).collect();
        let records = (now(groups.state(GROUP, &Wanted::default())).unwrap().group, self.members());
        let asking = (now(groups.asking(GROUP)).unwrap(), now(groups.links(GROUP)).unwrap());
        format!("{records:?} {asking:?} {logs:?} {inboxes:?}")
    }

    /// Reads the log, and compares all else with what it says.
    pub(crate) fn check(&self) -> Replayed {
        let mut replayed = Replayed::new(self.settings);
        for entry in &self.log() {
            replayed.read(entry);
        }
        let group = now(self.groups.state(GROUP, &Wanted::default())).unwrap().group.unwrap();
        let members = self.members();
        let owners: Vec<_> = members.iter().filter(|it| it.role == Role::Owner).map(|it| it.user).collect();
        assert_eq!(owners, [group.owner], "one owner, and the record's");
        let standing =
            |it: Member| (it.user, (it.role, it.muted_until.map_or(0, tidings_domain::time::Timestamp::as_millis)));
        assert_eq!(members.into_iter().map(standing).collect::<BTreeMap<_, _>>(), replayed.members);
        assert_eq!((group.dissolved, group.muted), (replayed.over, replayed.all_muted));
        for number in PEOPLE {
            let seen = replayed.spans.get(&user(number)).cloned().unwrap_or_default();
            assert_eq!(self.spans(user(number)), seen, "what {number} sees");
            assert_eq!(seen.current().is_some(), replayed.members.contains_key(&user(number)));
        }
        self.everything_is_handed_on();
        replayed
    }

    fn everything_is_handed_on(&self) {
        let mut told = self.told.borrow_mut();
        for job in self.queue.take_fan_outs() {
            let entries = job.events.into_iter().filter_map(|event| match event {
                Event::Entry(log, entry) => Some((log, entry.seq)),
                _ => None,
            });
            told.extend(entries);
        }
        for log in PEOPLE.map(|number| ConversationId::Notices(user(number))).chain([LOG]) {
            for entry in self.groups.log.all(log) {
                assert!(told.contains(&(log, entry.seq)), "nobody is told {log} {entry:?}");
            }
        }
    }
}

/// What a log says about its group.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// Role, and until when they may not write.
    pub(crate) members: BTreeMap<UserId, (Role, u64)>,
    pub(crate) told: Vec<String>,
    spans: BTreeMap<UserId, Spans>,
    settings: Settings,
    all_muted: bool,
    over: bool,
    head: Seq,
}

impl Replayed {
    fn new(settings: Settings) -> Self {
        let (members, spans, told) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        Self { members, told, spans, settings, all_muted: false, over: false, head: Seq::NONE }
    }

    fn role(&self, user: UserId) -> Role {
        self.members[&user].0
    }

    /// One entry more, which must be allowed where it stands.
    fn read(&mut self, entry: &Entry) {
        assert_eq!(entry.seq, self.head.next(), "no hole");
        self.head = entry.seq;
        assert!(!self.over, "{entry:?} after the end");
        if entry.kind == Kind::Message {
            let (role, muted_until) = self.members[&entry.sender];
            assert!(muted_until <= entry.sent_at.as_millis(), "{entry:?} by who is muted");
            assert!(role > Role::Member || !self.all_muted, "{entry:?} while all are muted");
        } else {
            self.change(entry);
        }
        assert_eq!(entry.counts.members(), u64::try_from(self.members.len()).unwrap(), "{entry:?}");
        self.told.push(entry.body.json.clone());
    }

    fn change(&mut self, entry: &Entry) {
        let words: Vec<_> = entry.body.json.split(' ').collect();
        let about = || words[1].parse::<UserId>().unwrap();
        let actor = entry.sender;
        match words[0] {
            "created" => {
                for word in &words[1..] {
                    self.come(word.parse().unwrap(), entry.seq);
                }
                self.members.insert(actor, (Role::Owner, 0));
            }
            "joined" => {
                assert!(actor == about() || self.role(actor) >= Role::Admin);
                self.come(about(), entry.seq);
            }
            "gone" => {
                assert!(if actor == about() {
                    self.role(actor) < Role::Owner
                } else {
                    self.role(actor) > self.role(about())
                });
                self.members.remove(&about());
                let seen = self.spans.remove(&about()).unwrap();
                let keep = self.settings.leavers_keep;
                self.spans.insert(about(), if keep { seen.left(entry.seq) } else { Spans::only(entry.seq) });
            }
            "role" => {
                assert_eq!(self.role(actor), Role::Owner);
                self.members.get_mut(&about()).unwrap().0 = words[2].parse().unwrap();
            }
            "owner" => {
                assert_eq!(self.role(actor), Role::Owner);
                self.members.get_mut(&actor).unwrap().0 = Role::Admin;
                self.members.insert(about(), (Role::Owner, 0)).unwrap();
            }
            "muted" => {
                assert!(self.role(actor) > self.role(about()));
                self.members.get_mut(&about()).unwrap().1 = words[2].parse().unwrap();
            }
            "all_muted" => {
                assert!(self.role(actor) >= Role::Admin);
                self.all_muted = words[1] == "true";
            }
            "updated" => {
                let settings = &mut self.settings;
                settings.history = words[1].parse().unwrap_or(settings.history);
                settings.leavers_keep = words[2].parse().unwrap_or(settings.leavers_keep);
            }
            "over" => {
                assert_eq!(self.role(actor), Role::Owner);
                self.over = true;
            }
            _ => assert!(self.members.contains_key(&actor), "{entry:?} by an outsider"),
        }
    }

    fn come(&mut self, user: UserId, at: Seq) {
        assert_eq!(self.members.insert(user, (Role::Member, 0)), None, "{user} comes twice");
        let all = self.settings.history == History::All;
        let seen = self.spans.remove(&user).unwrap_or_default();
        self.spans.insert(user, seen.joined(if all { Span::WHOLE.from } else { at }));
    }
}
