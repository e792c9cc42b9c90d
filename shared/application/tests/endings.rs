//! What becomes of groups and contacts when an account ends, against the fakes.
#![expect(clippy::unwrap_used, reason = "a broken expectation ends the test")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tidings_application::clock::{Clock, Random};
use tidings_application::contacts::{ChangeContact, ForgetStrangers};
use tidings_application::doors::Doors;
use tidings_application::error::PortError;
use tidings_application::groups::ChangeGroup;
use tidings_application::identity::{LeaveAll, LeaveEverything, NoNewcomers};
use tidings_application::ports::{
    Answer, ContactCommit, ContactRead, FanOutQueue, GroupCommit, GroupRead, InboxForget, InboxRead, Introduce,
    LinkRead, LogPage, LogRead, MemberRead, Range, Which,
};
use tidings_domain::contact::{self, Contact, DirectMessages, Relation, change as ties};
use tidings_domain::delivery::{Event, FanOut};
use tidings_domain::group::change::{Change, Request, State, Wanted, Write};
use tidings_domain::group::{Joining, Link, Member, Role, Settings};
use tidings_domain::ids::{ClientId, ConversationId, GroupId, UserId};
use tidings_domain::inbox::{HeadState, InboxEntry};
use tidings_domain::log::{BodyHash, Entry, From, Seq, Tail};
use tidings_testkit::clock::TestClock;
use tidings_testkit::messages::{FakeContacts, FakeGroups, FakeInboxes, FakeLog, FakePeople, FakeQueue};

const ANN: u128 = 1;
const BOB: u128 = 2;
const CAT: u128 = 3;
const DAN: u128 = 4;

/// What a call takes, in milliseconds.
const CALL_MS: u64 = 50;

const fn user(number: u128) -> UserId {
    UserId::from_bits(number)
}

/// A port that works until its process dies: so many calls more. Each takes a while.
#[derive(Clone)]
struct Mortal<T> {
    it: T,
    clock: TestClock,
    left: Arc<AtomicU32>,
    /// What somebody else does once the members of a group have been read.
    meanwhile: Meanwhile,
}

type Meanwhile = Arc<Mutex<Option<(u128, Change)>>>;

impl<T> Mortal<T> {
    fn call(&self) -> Result<&T, PortError> {
        self.clock.advance(CALL_MS);
        let count = |left: u32| left.checked_sub(1);
        let lives = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, count);
        lives.map(|_| &self.it).map_err(|_| PortError::retryable("it died"))
    }
}

impl LogRead for Mortal<FakeLog> {
    async fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Result<Tail, PortError> {
        self.call()?.tail(conversation, from, limit).await
    }

    async fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> Result<LogPage, PortError> {
        self.call()?.page(conversation, range, limit).await
    }

    async fn entry(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Entry>, PortError> {
        self.call()?.entry(conversation, seq).await
    }
}

impl InboxRead for Mortal<FakeInboxes> {
    async fn entry(&self, user: UserId, conversation: ConversationId) -> Result<Option<InboxEntry>, PortError> {
        self.call()?.entry(user, conversation).await
    }

    async fn states(&self, users: &[UserId], talk: ConversationId) -> Result<Vec<Option<HeadState>>, PortError> {
        self.call()?.states(users, talk).await
    }

    async fn page(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<InboxEntry>, bool), PortError> {
        self.call()?.page(user, after, limit).await
    }
}

impl InboxForget for Mortal<FakeInboxes> {
    async fn forget_strangers(&self, user: UserId, conversation: ConversationId) -> Result<(), PortError> {
        self.call()?.forget_strangers(user, conversation).await
    }
}

impl GroupRead for Mortal<FakeGroups> {
    async fn state(&self, group: GroupId, wanted: &Wanted) -> Result<State, PortError> {
        self.call()?.state(group, wanted).await
    }
}

impl MemberRead for Mortal<FakeGroups> {
    async fn members(&self, group: GroupId, buckets: u32) -> Result<Vec<Member>, PortError> {
        let members = self.call()?.members(group, buckets).await;
        let meanwhile = self.meanwhile.lock().unwrap().take();
        if let Some((actor, change)) = meanwhile {
            change_group(&self.it, &self.clock, actor, group, change).await;
        }
        members
    }
}

impl LinkRead for Mortal<FakeGroups> {
    async fn links(&self, group: GroupId) -> Result<Vec<Link>, PortError> {
        self.call()?.links(group).await
    }
}

impl GroupCommit for Mortal<FakeGroups> {
    async fn commit(
        &self,
        group: GroupId,
        told: &[(ConversationId, Entry)],
        writes: &[Write],
    ) -> Result<bool, PortError> {
        self.call()?.commit(group, told, writes).await
    }
}

impl ContactRead for Mortal<FakeContacts> {
    async fn between(&self, owner: UserId, peer: UserId) -> Result<ties::State, PortError> {
        self.call()?.between(owner, peer).await
    }

    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        which: Which,
        limit: usize,
    ) -> Result<(Vec<Contact>, bool), PortError> {
        self.call()?.contacts(owner, after, which, limit).await
    }
}

impl ContactCommit for Mortal<FakeContacts> {
    async fn commit(&self, told: &[(ConversationId, Entry)], writes: &[ties::Write]) -> Result<bool, PortError> {
        self.call()?.commit(told, writes).await
    }
}

impl FanOutQueue for Mortal<FakeQueue> {
    fn fan_out(&self, job: &FanOut) -> impl Answer<()> {
        let called = self.call().map(|queue| queue.fan_out(job));
        async { called?.await }
    }
}

async fn change_group(groups: &FakeGroups, clock: &TestClock, actor: u128, group: GroupId, change: Change) {
    let client_id = ClientId::new(clock.now(), clock.bits());
    let fingerprint = BodyHash::new([0; 32]);
    let request = Request { group, actor: user(actor), client_id, fingerprint, change, owner: None };
    let (log, queue, clock) = (groups.log.clone(), FakeQueue::default(), clock.clone());
    let groups = groups.clone();
    // Everybody may be brought in.
    let people = FakePeople::default();
    let doors = Doors { inboxes: people.inboxes.clone(), people, direct: DirectMessages::Anyone };
    let changes = ChangeGroup { log, groups, doors, queue, clock, encode: |told| format!("{told:?}") };
    changes.run(request, None).await.unwrap();
}

#[derive(Default)]
struct World {
    groups: FakeGroups,
    contacts: FakeContacts,
    queue: FakeQueue,
    clock: TestClock,
    meanwhile: Meanwhile,
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        world.contacts.log = world.groups.log.clone();
        world.contacts.people.inboxes = world.groups.inboxes.clone();
        world
    }

    /// A group of these, the first of whom owns it and the second of whom is an admin.
    async fn found(&self, number: u128, people: &[u128], admin: bool) -> GroupId {
        let group = GroupId::from_bits(number);
        let members = people.iter().skip(1).copied().map(user).collect();
        let settings = Settings { joining: Joining::Open, ..Settings::default() };
        let (name, description) = ("Club".parse().unwrap(), "".parse().unwrap());
        self.does(people[0], group, Change::Create { name, description, settings, members }).await;
        if admin {
            let appoint = Change::Role { user: user(people[1]), admin: true };
            self.does(people[0], group, appoint).await;
        }
        group
    }

    async fn does(&self, actor: u128, group: GroupId, change: Change) {
        change_group(&self.groups, &self.clock, actor, group, change).await;
    }

    async fn asks(&self, actor: u128, peer: u128, change: ties::Change) {
        let (actor, peer, clock) = (user(actor), user(peer), self.clock.clone());
        let client_id = ClientId::new(clock.now(), clock.bits());
        let (log, contacts, queue) = (self.contacts.log.clone(), self.contacts.clone(), FakeQueue::default());
        let changes = ChangeContact { log, contacts, queue, clock, encode: |told| format!("{told:?}") };
        let fingerprint = BodyHash::new([0; 32]);
        changes.run(ties::Request { actor, peer, client_id, fingerprint, change }, None).await.unwrap();
    }

    /// Ann's end, by a process that dies after so many calls.
    async fn ann_leaves(&self, calls: u32) -> Result<(), PortError> {
        let left = Arc::new(AtomicU32::new(calls));
        let leave = LeaveAll {
            groups: ChangeGroup {
                log: self.mortal(&self.groups.log, &left),
                groups: self.mortal(&self.groups, &left),
                doors: Doors {
                    inboxes: self.mortal(&self.groups.inboxes, &left),
                    people: NoNewcomers,
                    direct: DirectMessages::Contacts,
                },
                queue: self.mortal(&self.queue, &left),
                clock: self.clock.clone(),
                encode: |told| format!("{told:?}"),
            },
            contacts: ChangeContact {
                log: self.mortal(&self.groups.log, &left),
                contacts: self.mortal(&self.contacts, &left),
                queue: self.mortal(&self.queue, &left),
                clock: self.clock.clone(),
                encode: |told| format!("{told:?}"),
            },
            strangers: ForgetStrangers { inboxes: self.mortal(&self.groups.inboxes, &left) },
        };
        leave.leave(user(ANN)).await
    }

    fn mortal<T: Clone>(&self, it: &T, left: &Arc<AtomicU32>) -> Mortal<T> {
        let (clock, left, meanwhile) = (self.clock.clone(), left.clone(), self.meanwhile.clone());
        Mortal { it: it.clone(), clock, left, meanwhile }
    }

    /// Who is in a group in which role, after its owner; `None` if it is over. What its log counts is what there is.
    async fn members(&self, group: GroupId) -> Option<Vec<(u128, Role)>> {
        let record = self.groups.state(group, &Wanted::default()).await.unwrap().group.unwrap();
        let mut members = self.groups.members(group, record.buckets).await.unwrap();
        let log = self.groups.log.all(ConversationId::Group(group));
        assert_eq!(log.last().unwrap().counts.members(), u64::try_from(members.len()).unwrap());
        members.sort_by_key(|member| (std::cmp::Reverse(member.role), member.user));
        assert_eq!(members[0].user, record.owner);
        let standing = |member: Member| (member.user.bits(), member.role);
        (!record.dissolved).then(|| members.into_iter().map(standing).collect())
    }

    /// What is between two people, from both sides.
    async fn tie(&self, one: u128, other: u128) -> [Option<contact::Tie>; 2] {
        let state = self.contacts.between(user(one), user(other)).await.unwrap();
        [state.own, state.theirs].map(|contact| contact.and_then(|contact| contact.tie))
    }

    /// Ann with everything that ties people: she owns a group with an admin, one with a member, one alone; she is in one of
    /// Bob's, and was in another; Bob is a contact, Cat was asked by her, and Dan, whom she blocks, asks.
    async fn lively() -> (Self, [GroupId; 5]) {
        let world = Self::new();
        let groups = [
            world.found(1, &[ANN, DAN, BOB], true).await,
            world.found(2, &[ANN, CAT], false).await,
            world.found(3, &[ANN], false).await,
            world.found(4, &[BOB, ANN, CAT], true).await,
            world.found(5, &[BOB, ANN], false).await,
        ];
        world.does(ANN, groups[4], Change::Leave).await;
        world.asks(ANN, BOB, ties::Change::Request { greeting: None }).await;
        world.asks(BOB, ANN, ties::Change::Answer { accept: true }).await;
        world.asks(ANN, CAT, ties::Change::Request { greeting: None }).await;
        world.asks(DAN, ANN, ties::Change::Request { greeting: None }).await;
        world.asks(ANN, DAN, ties::Change::Block).await;
        world.contacts.people.introduce(user(ANN), ConversationId::direct(user(ANN), user(9))).await.unwrap();
        (world, groups)
    }

    async fn is_left(&self, groups: [GroupId; 5]) {
        use Role::{Member, Owner};
        for (group, want) in groups.into_iter().zip([
            Some(vec![(DAN, Owner), (BOB, Member)]),
            Some(vec![(CAT, Owner)]),
            None,
            Some(vec![(BOB, Owner), (CAT, Member)]),
            Some(vec![(BOB, Owner)]),
        ]) {
            assert_eq!(self.members(group).await, want, "{group}");
        }
        for other in [BOB, CAT, DAN] {
            assert_eq!(self.tie(ANN, other).await, [None, None], "{other}");
        }
        for peer in [BOB, CAT, 9] {
            let talk = ConversationId::direct(user(ANN), user(peer));
            let door = self.groups.inboxes.entry(user(ANN), talk).await.unwrap().map(|entry| entry.door);
            assert!(door.is_none_or(|door| door.peer == Relation::Stranger && !door.strangers), "{peer}");
        }
    }
}

#[tokio::test]
async fn groups_pass_on_and_contacts_end_and_everybody_is_told() {
    let (world, groups) = World::lively().await;
    let notices = |number| ConversationId::Notices(user(number));
    let logs: Vec<_> = groups.map(ConversationId::Group).into_iter().chain([BOB, CAT, DAN].map(notices)).collect();
    let told = || logs.iter().map(|log| world.groups.log.all(*log).len()).collect::<Vec<_>>();
    let before = told();
    world.ann_leaves(u32::MAX).await.unwrap();
    world.is_left(groups).await;
    let entries: Vec<_> = told().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(entries, [2, 2, 1, 1, 0, 1, 1, 1], "an heir and a leaving; an end; a leaving; and nothing twice");
    let pushed: Vec<_> = world.queue.take_fan_outs().into_iter().flat_map(|job| job.events).collect();
    for (log, new) in logs.iter().zip(entries) {
        for entry in world.groups.log.all(*log).into_iter().rev().take(new) {
            assert!(pushed.contains(&Event::Entry(*log, entry.clone())), "nobody is told {log} {entry:?}");
        }
    }
    // Nothing is left to do.
    let after = told();
    world.ann_leaves(u32::MAX).await.unwrap();
    assert_eq!((told(), world.queue.take_fan_outs()), (after, vec![]));
}

/// The process dies after each of its calls; the same again finishes what it has left.
#[tokio::test]
async fn a_repetition_finishes_what_a_crash_left() {
    let mut calls = 0;
    loop {
        let (world, groups) = World::lively().await;
        let died = world.ann_leaves(calls).await;
        if let Err(error) = &died {
            assert!(error.retryable, "{error}");
        }
        world.ann_leaves(u32::MAX).await.unwrap();
        world.is_left(groups).await;
        if died.is_ok() {
            break;
        }
        calls += 1;
    }
    assert!(calls > 40, "every step is reached: {calls}");
}

#[tokio::test]
async fn leaving_stops_in_time_and_goes_on() {
    let world = World::new();
    for number in 0..40 {
        world.found(10 + number, &[BOB, ANN], false).await;
    }
    let mut rounds = 1;
    while let Err(error) = world.ann_leaves(u32::MAX).await {
        assert!(error.retryable, "{error}");
        rounds += 1;
    }
    assert!((2..10).contains(&rounds), "{rounds}");
    for number in 0..40 {
        assert_eq!(world.members(GroupId::from_bits(10 + number)).await, Some(vec![(BOB, Role::Owner)]));
    }
}

/// The world moves while it is looked at: an heir who leaves is none, and who comes into an empty group inherits it.
#[tokio::test]
async fn what_changed_meanwhile_is_looked_at_again() {
    let join = Change::Join { link: None, greeting: None };
    for (people, meanwhile, heirs) in [
        (&[ANN, BOB, CAT][..], (BOB, Change::Leave), Some(vec![(CAT, Role::Owner)])),
        (&[ANN, BOB], (BOB, Change::Leave), None),
        (&[ANN], (CAT, join), Some(vec![(CAT, Role::Owner)])),
        (&[ANN, BOB], (ANN, Change::Transfer { user: user(BOB) }), Some(vec![(BOB, Role::Owner)])),
    ] {
        let world = World::new();
        let group = world.found(1, people, false).await;
        *world.meanwhile.lock().unwrap() = Some(meanwhile);
        world.ann_leaves(u32::MAX).await.unwrap();
        assert_eq!(world.members(group).await, heirs);
        assert!(world.meanwhile.lock().unwrap().is_none(), "it happened");
    }
}
