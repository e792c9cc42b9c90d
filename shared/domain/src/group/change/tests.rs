//! Every refusal and every write, over a club of four: an owner, an admin and two members.

mod again;
mod invitations;

use super::*;
use crate::change::{self as protocol, Call, Change as Changing, Seen};
use crate::group::permissions::Denied;
use crate::group::{Announced, Link, Permissions};
use crate::ids::{ClientId, ConversationId};
use crate::limits::{ASKING_TTL_MS, FIRST_MEMBERS_MAX, GROUP_BUCKETS, GROUP_MEMBERS_MAX};
use crate::log::{Body, Counts, Entry, Kind, Tail};
use crate::membership::Span;
use crate::protocol::{Protocol, Step};

const NOW: Timestamp = Timestamp::from_millis(10_000_000_000);
const OWNER: u128 = 1;
const ADMIN: u128 = 2;
const MEMBER: u128 = 3;
const OTHER: u128 = 4;
const OUTSIDER: u128 = 5;
/// The last entry; the next change is told at the place after it.
const HEAD: u64 = 20;
const NEXT: Seq = Seq::new(HEAD + 1);

fn user(number: u128) -> UserId {
    UserId::from_bits(number)
}

fn club_id() -> GroupId {
    GroupId::from_bits(7)
}

fn club_log() -> ConversationId {
    ConversationId::Group(club_id())
}

fn notices(number: u128) -> ConversationId {
    ConversationId::Notices(user(number))
}

fn code() -> LinkCode {
    LinkCode::from_bits(9)
}

/// What is stored of the club.
#[derive(Clone)]
struct Club {
    group: Option<Group>,
    members: BTreeMap<UserId, Member>,
    spans: BTreeMap<UserId, Spans>,
    asking: Option<Asking>,
    link: Option<Link>,
    people: BTreeMap<UserId, Reception>,
    count: u64,
    /// Who owned it when a request came.
    owner: u128,
    /// More entries than a search reads.
    long: bool,
}

/// What a change comes to: what is told where, how many members the club has then, and what is written.
#[derive(Debug, PartialEq)]
struct Done {
    told: Vec<(ConversationId, String)>,
    members: u64,
    writes: Vec<Write>,
}

type Outcome = Result<Option<Done>, protocol::Refusal<Refusal>>;

fn denied(why: Denied) -> Outcome {
    refused(Refusal::Denied(why))
}

fn refused(why: Refusal) -> Outcome {
    Err(protocol::Refusal::Rule(why))
}

fn club() -> Club {
    let roles = [(OWNER, Role::Owner), (ADMIN, Role::Admin), (MEMBER, Role::Member), (OTHER, Role::Member)];
    let member = |(number, role)| (user(number), Member::new(user(number), role, Seq::new(2), NOW));
    let seen = |(number, _)| (user(number), Spans::default().joined(Seq::new(2)));
    Club {
        group: Some(Group {
            id: club_id(),
            name: "Club".parse().unwrap(),
            description: "".parse().unwrap(),
            owner: user(OWNER),
            settings: Settings::default(),
            muted: false,
            announced: None,
            buckets: GROUP_BUCKETS,
            version: Seq::new(5),
            created_at: NOW,
            dissolved: false,
        }),
        members: roles.map(member).into(),
        spans: roles.map(seen).into(),
        asking: None,
        link: None,
        people: [(user(OUTSIDER), Reception::Unwelcome)].into(),
        count: 4,
        owner: OWNER,
        long: false,
    }
}

impl Club {
    fn with(mut self, change: impl FnOnce(&mut Group)) -> Self {
        change(self.group.as_mut().unwrap());
        self
    }

    fn asked(mut self, number: u128, invited_by: Option<u128>, age_ms: u64) -> Self {
        let at = NOW.minus_millis(age_ms);
        let invited_by = invited_by.map(user);
        self.asking = Some(Asking { user: user(number), invited_by, greeting: None, at, unheard: false });
        self
    }

    /// An invitation that the outsider was not told.
    fn unheard(self, invited_by: u128, age_ms: u64) -> Self {
        let mut club = self.asked(OUTSIDER, Some(invited_by), age_ms);
        club.asking.as_mut().unwrap().unheard = true;
        club
    }

    fn taken_by_outsider(mut self, how: Reception) -> Self {
        self.people = [(user(OUTSIDER), how)].into();
        self
    }

    fn linked(mut self, uses_left: Option<u32>, good_ms: u64) -> Self {
        let expires_at = NOW.plus_millis(good_ms);
        self.link =
            Some(Link { code: code(), by: user(ADMIN), client_id: ClientId::from_bits(1), expires_at, uses_left });
        self
    }

    fn member(&self, number: u128, change: impl FnOnce(&mut Member)) -> Write {
        let mut member = self.members[&user(number)].clone();
        change(&mut member);
        Write::Member(member)
    }

    fn group(&self, change: impl FnOnce(&mut Group)) -> Write {
        let mut group = self.group.clone().unwrap();
        group.version = NEXT;
        change(&mut group);
        Write::Group(group)
    }

    fn state(&self, request: &Request) -> State {
        let (wanted, some) = (request.wanted(), |users: &[UserId], user: &UserId| users.contains(user));
        let mut state = State {
            group: self.group.clone(),
            members: self.members.clone().into_iter().filter(|(user, _)| some(&wanted.members, user)).collect(),
            spans: self.spans.clone().into_iter().filter(|(user, _)| some(&wanted.spans, user)).collect(),
            asking: self.asking.clone().filter(|asking| wanted.asking == Some(asking.user)),
            link: self.link.clone().filter(|link| wanted.link.as_ref() == Some(&link.code)),
            people: BTreeMap::new(),
        };
        let asked = request.people(&state);
        state.people = self.people.clone().into_iter().filter(|(user, _)| some(&asked, user)).collect();
        state
    }

    fn log(&self, conversation: ConversationId) -> Option<Entry> {
        (conversation == club_log() && self.group.is_some()).then(|| Entry {
            seq: Seq::new(HEAD),
            sender: user(OWNER),
            client_id: ClientId::from_bits(3),
            sent_at: NOW,
            kind: Kind::Message,
            body: Body { json: String::new(), hash: BodyHash::new([0; 32]) },
            rev: 0,
            counts: Counts::Group { messages: 11, members: self.count },
            expires_at: None,
        })
    }

    /// Makes a change as far as its commit.
    fn ask(&self, actor: u128, change: Change) -> Outcome {
        let request = Request {
            group: club_id(),
            actor: user(actor),
            client_id: ClientId::new(NOW, 1),
            fingerprint: BodyHash::new([1; 32]),
            change,
            owner: self.group.is_some().then(|| user(self.owner)),
        };
        let (mut changing, mut step) = Changing::start(request.clone(), |told| format!("{told:?}"), None, NOW)?;
        loop {
            let seen = match step {
                Step::Done(answer) => return answer.map(|_| None),
                Step::Call(Call::ReadLog(log, _)) => {
                    Seen::Log(Tail { entries: self.log(log).into_iter().collect(), truncated: self.long })
                }
                Step::Call(Call::ReadHeads(logs)) => Seen::Heads(logs.into_iter().map(|log| self.log(log)).collect()),
                Step::Call(Call::ReadState) => Seen::State(self.state(&request)),
                Step::Call(Call::Commit(entries, writes)) => {
                    let group = entries.iter().find(|(log, _)| *log == club_log());
                    let members = group.map_or(self.count, |(_, entry)| entry.counts.members());
                    let told = entries.into_iter().map(|(log, entry)| (log, entry.body.json)).collect();
                    return Ok(Some(Done { told, members, writes }));
                }
                Step::Call(call) => panic!("{call:?}"),
            };
            step = changing.next(seen, NOW);
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with what may be a refusal")]
fn done<const N: usize, const M: usize>(
    told: [(ConversationId, Told); N],
    members: u64,
    writes: [Write; M],
) -> Outcome {
    let told = told.map(|(log, told)| (log, format!("{told:?}"))).into();
    Ok(Some(Done { told, members, writes: writes.into() }))
}

fn join() -> Change {
    Change::Join { link: None, greeting: None }
}

fn join_by_link() -> Change {
    Change::Join { link: Some(code()), greeting: None }
}

fn invite(number: u128) -> Change {
    Change::Invite { user: user(number), greeting: None }
}

fn answer(number: u128, accept: bool) -> Change {
    Change::Answer { user: user(number), accept }
}

fn update(edit: Edit) -> Change {
    Change::Update { version: None, edit }
}

fn renaming() -> Edit {
    Edit { name: Some("Circle".parse().unwrap()), ..Edit::default() }
}

fn opening() -> Edit {
    Edit { joining: Some(Joining::Open), ..Edit::default() }
}

fn create(members: impl IntoIterator<Item = u128>) -> Change {
    Change::Create {
        name: "Club".parse().unwrap(),
        description: "".parse().unwrap(),
        settings: Settings::default(),
        members: members.into_iter().map(user).collect(),
    }
}

fn make_link() -> Link {
    club().linked(Some(2), 1_000).link.unwrap()
}

/// One change of each kind, as far as they are of a group that is there; about `OTHER` where they are about somebody.
fn every_change() -> Vec<Change> {
    vec![
        update(renaming()),
        update(opening()),
        join(),
        join_by_link(),
        answer(OTHER, true),
        answer(OTHER, false),
        invite(OTHER),
        Change::Leave,
        Change::Kick { user: user(OTHER) },
        Change::Role { user: user(OTHER), admin: true },
        Change::Transfer { user: user(OTHER) },
        Change::Mute { user: user(OTHER), until: Some(NOW.plus_millis(1)) },
        Change::MuteAll { muted: true },
        Change::Announce { text: Some("Friday".parse().unwrap()) },
        Change::Nickname { nickname: Some("Chief".parse().unwrap()) },
        Change::Remark { remark: Some("Mine".parse().unwrap()) },
        Change::MakeLink(make_link()),
        Change::RevokeLink(code()),
        Change::Dissolve,
    ]
}

fn comes(number: u128, spans: Spans, from: Seq) -> [Write; 2] {
    let counts = Counts::Group { messages: 11, members: 5 };
    let read = ReadPosition { seq: NEXT, counts };
    [
        Write::Member(Member::new(user(number), Role::Member, from, NOW)),
        Write::Joined { user: user(number), spans, read },
    ]
}

fn joined(number: u128, by: Option<u128>) -> (ConversationId, Told) {
    (club_log(), Told::Joined { user: user(number), by: by.map(user) })
}

#[test]
fn whoever_joins_sees_from_there_on_or_all_or_goes_on() {
    let open = club().with(|group| group.settings.joining = Joining::Open);
    let [member, inbox] = comes(OUTSIDER, Spans::default().joined(NEXT), NEXT);
    assert_eq!(open.ask(OUTSIDER, join()), done([joined(OUTSIDER, None)], 5, [member, inbox]));

    let all = open.clone().with(|group| group.settings.history = History::All);
    let [member, inbox] = comes(OUTSIDER, Spans::whole(), Seq::FIRST);
    assert_eq!(all.ask(OUTSIDER, join()), done([joined(OUTSIDER, None)], 5, [member, inbox]));

    let mut back = open.clone();
    let before = Spans::default().joined(Seq::new(3)).left(Seq::new(8));
    back.spans.insert(user(OUTSIDER), before.clone());
    let [member, inbox] = comes(OUTSIDER, before.joined(NEXT), NEXT);
    assert_eq!(back.ask(OUTSIDER, join()), done([joined(OUTSIDER, None)], 5, [member, inbox]));
    assert_eq!(open.ask(MEMBER, join()), Ok(None), "a member is one already");
}

#[test]
fn a_link_lets_in_as_often_and_as_long_as_it_is_good() {
    let [member, inbox] = comes(OUTSIDER, Spans::default().joined(NEXT), NEXT);
    let told = || [joined(OUTSIDER, Some(ADMIN))];
    let two = club().linked(Some(2), 1);
    let used = Write::Link(Link { uses_left: Some(1), ..two.link.clone().unwrap() });
    assert_eq!(two.ask(OUTSIDER, join_by_link()), done(told(), 5, [member.clone(), inbox.clone(), used]));
    assert_eq!(club().linked(None, 1).ask(OUTSIDER, join_by_link()), done(told(), 5, [member, inbox]));
    let used_up = club().linked(Some(0), 1);
    let expired = club().linked(None, 0);
    for no_good in [club(), used_up, expired, club().with(|group| group.settings.findable = true)] {
        assert_eq!(no_good.ask(OUTSIDER, join_by_link()), refused(Refusal::LinkNotGood));
    }
}

#[test]
fn a_group_has_so_many_members_and_no_more() {
    let sized = |count| Club { count, ..club().with(|group| group.settings.joining = Joining::Open) };
    let nearly = sized(GROUP_MEMBERS_MAX - 1).ask(OUTSIDER, join()).unwrap().unwrap();
    assert_eq!(nearly.members, GROUP_MEMBERS_MAX);
    let full = sized(GROUP_MEMBERS_MAX);
    assert_eq!(full.ask(OUTSIDER, join()), refused(Refusal::Full));
    assert_eq!(full.clone().linked(None, 1).ask(OUTSIDER, join_by_link()), refused(Refusal::Full));
    assert_eq!(full.asked(OUTSIDER, None, 1).ask(ADMIN, answer(OUTSIDER, true)), refused(Refusal::Full));
}

#[test]
fn who_asks_is_told_with_the_owner_and_answered_once() {
    let approval = club().with(|group| group.settings.joining = Joining::Approval);
    let asked = Told::Asked { group: club_id(), user: user(OUTSIDER), greeting: None };
    let asking = approval.clone().asked(OUTSIDER, None, 0);
    let told = [(notices(OUTSIDER), asked.clone()), (notices(OWNER), asked)];
    let writes =
        [Write::Asking(asking.asking.clone().unwrap()), Write::Notices(user(OUTSIDER)), Write::Notices(user(OWNER))];
    assert_eq!(approval.ask(OUTSIDER, join()), done(told, 4, writes));

    let handed_over = Club { owner: ADMIN, ..approval.clone() }.ask(OUTSIDER, join()).unwrap().unwrap();
    assert_eq!(handed_over.told.len(), 1, "who was the owner is told nothing");

    let answered = |accepted| Told::Answered { group: club_id(), user: user(OUTSIDER), accepted };
    let [member, inbox] = comes(OUTSIDER, Spans::default().joined(NEXT), NEXT);
    let gone = || Write::NoAsking(user(OUTSIDER));
    // A member who may not answer may invite all the same: then whoever asked is free to come.
    for change in [answer(OUTSIDER, true), invite(OUTSIDER)] {
        let told = [joined(OUTSIDER, Some(ADMIN)), (notices(OUTSIDER), answered(true))];
        let writes = [member.clone(), inbox.clone(), gone(), Write::Notices(user(OUTSIDER))];
        assert_eq!(asking.ask(ADMIN, change), done(told, 5, writes));
    }
    let told = [(notices(ADMIN), answered(false)), (notices(OUTSIDER), answered(false))];
    let writes = [gone(), Write::Notices(user(ADMIN)), Write::Notices(user(OUTSIDER))];
    assert_eq!(asking.ask(ADMIN, answer(OUTSIDER, false)), done(told, 4, writes));
    assert_eq!(approval.ask(ADMIN, answer(OUTSIDER, true)), refused(Refusal::NobodyAsks));
    let invited = club().asked(OUTSIDER, Some(MEMBER), 1);
    assert_eq!(invited.ask(ADMIN, answer(OUTSIDER, true)), refused(Refusal::NobodyAsks));
}

/// A request can be left over by somebody who joins by a link at the same moment.
#[test]
fn a_member_who_still_asks_is_not_let_in_twice() {
    for (number, accept) in [(MEMBER, true), (MEMBER, false), (ADMIN, true)] {
        let left_over = club().asked(number, None, 1);
        let done = left_over.ask(ADMIN, answer(number, accept)).unwrap().unwrap();
        assert_eq!(done.members, 4);
        assert_eq!(done.writes[0], Write::NoAsking(user(number)));
        assert!(done.writes[1..].iter().all(|write| matches!(write, Write::Notices(_))), "{done:?}");
        assert_eq!(done.told.len(), if number == ADMIN { 1 } else { 2 }, "nobody is told twice");
    }
}

#[test]
fn who_goes_keeps_what_they_saw_or_the_last_entry_alone() {
    let head = Head { seq: NEXT, at: NOW, counts: Counts::Group { messages: 11, members: 3 } };
    for (keep, spans) in
        [(true, vec![Span { from: Seq::new(2), to: Some(NEXT) }]), (false, vec![Span { from: NEXT, to: Some(NEXT) }])]
    {
        let club = club().with(|group| group.settings.leavers_keep = keep).asked(MEMBER, Some(OWNER), 1);
        let spans = Spans::of(spans).unwrap();
        // An invitation that is left over would let them in again.
        let writes = || {
            let gone = Write::Left { user: user(MEMBER), spans: spans.clone(), head };
            [Write::NoMember(user(MEMBER)), Write::NoAsking(user(MEMBER)), gone]
        };
        let left = (club_log(), Told::Left { user: user(MEMBER) });
        assert_eq!(club.ask(MEMBER, Change::Leave), done([left], 3, writes()));
        let removed = (club_log(), Told::Removed { user: user(MEMBER) });
        assert_eq!(club.ask(ADMIN, Change::Kick { user: user(MEMBER) }), done([removed], 3, writes()));
    }
}

#[test]
fn a_group_that_is_handed_over_has_one_owner_who_may_speak() {
    let mut club = club();
    club.members.get_mut(&user(MEMBER)).unwrap().muted_until = Some(NOW.plus_millis(1));
    let hand_over = || Change::Transfer { user: user(MEMBER) };
    let writes = [
        club.group(|group| group.owner = user(MEMBER)),
        club.member(MEMBER, |heir| (heir.role, heir.muted_until) = (Role::Owner, None)),
        club.member(OWNER, |owner| owner.role = Role::Admin),
    ];
    let told = [(club_log(), Told::Owner { user: user(MEMBER) })];
    assert_eq!(club.ask(OWNER, hand_over()), done(told, 4, writes));
    assert_eq!(club.ask(OWNER, Change::Transfer { user: user(OWNER) }), Ok(None));
    assert_eq!(club.ask(ADMIN, hand_over()), denied(Denied::Role));
}

#[test]
fn a_group_begins_with_those_who_are_welcome() {
    let people = (2..100).map(|number| (user(number), Reception::Welcome)).collect();
    let nothing = Club { group: None, members: BTreeMap::new(), people, count: 0, ..club() };
    // The founder and somebody named twice count once.
    let founded = nothing.ask(OWNER, create([3, OWNER, 2, 3])).unwrap().unwrap();
    assert_eq!(founded.members, 3);
    let told = Told::Created { name: "Club".parse().unwrap(), members: [1, 2, 3].map(user).into() };
    assert_eq!(founded.told, [(club_log(), format!("{told:?}"))]);
    let roles = |write: &Write| match write {
        Write::Member(member) => Some((member.user, member.role, member.from)),
        _ => None,
    };
    let expected = [(1, Role::Owner), (2, Role::Member), (3, Role::Member)];
    let roles: Vec<_> = founded.writes.iter().filter_map(roles).collect();
    assert_eq!(roles, expected.map(|(number, role)| (user(number), role, Seq::FIRST)));
    let read = ReadPosition { seq: Seq::FIRST, counts: Counts::Group { messages: 0, members: 3 } };
    for number in 1..=3 {
        let spans = Spans::whole();
        assert!(founded.writes.contains(&Write::Joined { user: user(number), spans, read }));
    }
    assert!(matches!(&founded.writes[0], Write::Group(group) if group.owner == user(OWNER)));

    let most = u128::try_from(FIRST_MEMBERS_MAX).unwrap();
    assert!(nothing.ask(OWNER, create(2..=most)).is_ok());
    assert_eq!(nothing.ask(OWNER, create(2..=most + 1)), refused(Refusal::TooMany));
    assert_eq!(nothing.ask(OWNER, create([2, 200])), refused(Refusal::Unwelcome));
    for how in [Reception::Unwelcome, Reception::Blocked, Reception::Nobody] {
        let mut not_all = nothing.clone();
        not_all.people.insert(user(3), how);
        assert_eq!(not_all.ask(OWNER, create([2, 3])), refused(Refusal::Unwelcome), "{how:?}, and all answered alike");
    }
}

#[test]
fn what_an_editor_changes_is_what_they_need_leave_for() {
    let owners = Permissions { edit: Role::Owner, ..Settings::default().permissions };
    let strict = club().with(|group| group.settings.permissions = owners);
    let told = |edit: &Edit| [(club_log(), Told::Updated(edit.clone()))];
    let opened = strict.group(|group| group.settings.joining = Joining::Open);
    assert_eq!(strict.ask(ADMIN, update(opening())), done(told(&opening()), 4, [opened]));
    let both = Edit { joining: Some(Joining::Open), ..renaming() };
    for edit in [renaming(), both.clone(), Edit::default()] {
        assert_eq!(strict.ask(ADMIN, update(edit)), denied(Denied::Role));
    }
    let everybodys = Permissions { edit: Role::Member, ..owners };
    let lax = club().with(|group| group.settings.permissions = everybodys);
    let renamed = lax.group(|group| group.name = "Circle".parse().unwrap());
    assert_eq!(lax.ask(MEMBER, update(renaming())), done(told(&renaming()), 4, [renamed]));
    assert_eq!(lax.ask(MEMBER, update(both)), denied(Denied::Role));

    let seen = |version| Change::Update { version: Some(Seq::new(version)), edit: renaming() };
    assert!(matches!(club().ask(ADMIN, seen(5)), Ok(Some(_))));
    assert_eq!(club().ask(ADMIN, seen(4)), refused(Refusal::Stale));
}

#[test]
fn what_is_so_already_is_told_to_nobody() {
    let mut quiet = club().with(|group| group.muted = true);
    quiet.members.get_mut(&user(OTHER)).unwrap().muted_until = Some(NOW.plus_millis(5));
    for change in [
        update(Edit { name: Some("Club".parse().unwrap()), ..Edit::default() }),
        Change::Role { user: user(OTHER), admin: false },
        Change::Mute { user: user(OTHER), until: Some(NOW.plus_millis(5)) },
        Change::MuteAll { muted: true },
        Change::Announce { text: None },
        Change::Nickname { nickname: None },
    ] {
        assert_eq!(quiet.ask(OWNER, change.clone()), Ok(None), "{change:?}");
    }
}

#[test]
fn records_of_the_group_and_its_members_are_written_whole() {
    let club = club().linked(None, 1);
    let until = Some(NOW.plus_millis(9));
    let text = || Some("Friday".parse().unwrap());
    let nickname = || Some("Chief".parse().unwrap());
    let announced = || Announced { text: text().unwrap(), by: user(ADMIN), at: NOW };
    for (change, told, write) in [
        (
            Change::Role { user: user(MEMBER), admin: true },
            Told::Role { user: user(MEMBER), role: Role::Admin },
            club.member(MEMBER, |member| member.role = Role::Admin),
        ),
        (
            Change::Mute { user: user(MEMBER), until },
            Told::Muted { user: user(MEMBER), until },
            club.member(MEMBER, |member| member.muted_until = until),
        ),
        (
            Change::Nickname { nickname: nickname() },
            Told::Nickname { user: user(OWNER), nickname: nickname() },
            club.member(OWNER, |member| member.nickname = nickname()),
        ),
        (Change::MuteAll { muted: true }, Told::AllMuted { muted: true }, club.group(|group| group.muted = true)),
        (
            Change::Announce { text: text() },
            Told::Announced { text: text() },
            club.group(|group| group.announced = Some(Announced { by: user(OWNER), ..announced() })),
        ),
        (
            Change::MakeLink(make_link()),
            Told::LinkMade { expires_at: make_link().expires_at },
            Write::Link(make_link()),
        ),
        (Change::RevokeLink(code()), Told::LinkRevoked, Write::NoLink(code())),
        (Change::Dissolve, Told::Dissolved, club.group(|group| group.dissolved = true)),
    ] {
        assert_eq!(club.ask(OWNER, change), done([(club_log(), told)], 4, [write]));
    }
    let silent = club.clone().with(|group| group.announced = Some(announced()));
    let taken = silent.group(|group| group.announced = None);
    let told = [(club_log(), Told::Announced { text: None })];
    assert_eq!(silent.ask(ADMIN, Change::Announce { text: None }), done(told, 4, [taken]));
    let remark = nickname();
    let told = [(notices(MEMBER), Told::Remarked { group: club_id(), remark: remark.clone() })];
    let writes = [Write::Remark { user: user(MEMBER), remark: remark.clone() }, Write::Notices(user(MEMBER))];
    assert_eq!(club.ask(MEMBER, Change::Remark { remark }), done(told, 4, writes));
}

#[test]
fn who_is_no_member_cannot_be_done_anything_to() {
    for change in [
        Change::Kick { user: user(OUTSIDER) },
        Change::Role { user: user(OUTSIDER), admin: true },
        Change::Transfer { user: user(OUTSIDER) },
        Change::Mute { user: user(OUTSIDER), until: Some(NOW) },
    ] {
        assert_eq!(club().ask(OWNER, change.clone()), refused(Refusal::NoSuchMember));
        assert_eq!(club().ask(MEMBER, change), denied(Denied::Role), "who may not learns nothing of them");
    }
    assert_eq!(club().ask(OWNER, Change::RevokeLink(code())), refused(Refusal::LinkNotGood));
}

#[test]
fn a_group_that_has_ended_stays_as_it_is() {
    let over = club().with(|group| group.dissolved = true).asked(OTHER, None, 1).linked(None, 1);
    for change in every_change() {
        let remarked = matches!(change, Change::Remark { .. });
        for actor in [OWNER, MEMBER] {
            let outcome = over.ask(actor, change.clone());
            assert!(remarked || outcome == denied(Denied::Dissolved), "{change:?}: {outcome:?}");
        }
    }
    let mut former = over;
    former.members.remove(&user(MEMBER));
    assert_eq!(former.ask(MEMBER, join()), denied(Denied::Dissolved));
}

/// SEE-1: a stranger gets the same answer as if there were no such group, however long its log is.
#[test]
fn outsiders_cannot_tell_a_hidden_group_from_none() {
    let nothing = Club { group: None, ..club() };
    let ended = club().with(|group| (group.dissolved, group.settings.findable) = (true, true));
    for hidden in [club(), ended] {
        for change in every_change() {
            let same = nothing.ask(OUTSIDER, change.clone());
            assert!(same.is_err(), "{change:?}");
            assert_eq!(hidden.ask(OUTSIDER, change.clone()), same, "{change:?}");
            assert_eq!(Club { long: true, ..hidden.clone() }.ask(OUTSIDER, change.clone()), same, "{change:?}");
        }
    }
    let long = Club { long: true, ..club() };
    assert_eq!(long.ask(MEMBER, Change::Leave), Err(protocol::Refusal::Behind));
}
