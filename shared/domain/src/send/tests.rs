//! The protocol against a world that answers from memory.

use super::*;
use crate::group::{Role, Settings};
use crate::ids::{ClientId, GroupId};
use crate::log::{Body, BodyHash, Telling};

const NOW: Timestamp = Timestamp::from_millis(1_000_000_000);

fn user(bits: u128) -> UserId {
    UserId::from_bits(bits)
}

fn draft(id: u128, text: u8) -> Draft {
    Draft { client_id: ClientId::new(NOW, id), body: Body { json: text.to_string(), hash: BodyHash::new([text; 32]) } }
}

fn request(after: Option<u64>, drafts: Vec<Draft>) -> Request {
    Request {
        conversation: ConversationId::direct(user(1), user(2)),
        sender: user(1),
        connection: None,
        after: after.map(Seq::new),
        drafts,
    }
}

/// One conversation in memory, with a script of what goes wrong.
struct World {
    log: Vec<Entry>,
    open: Vec<UserId>,
    known: bool,
    /// What the recipient's inbox entry says.
    door: Verdict,
    /// What the recipient's account says.
    takes_strangers: bool,
    /// Whether the next introductions are made, and what the entry says then; the last comes first.
    introductions: Vec<(bool, Verdict)>,
    /// The group, and the sender in it.
    standing: Option<(Group, Member)>,
    calls: Vec<&'static str>,
    /// Appended by somebody else right before the n-th put (from 0).
    rivals: Vec<(usize, Entry)>,
    /// The n-th put is stored, but its reply is lost.
    lost_replies: Vec<usize>,
    /// And with it the sender is no member any more.
    removed_by_rival: bool,
    tasks: Vec<Task>,
    puts: usize,
    now: u64,
    ms_per_call: u64,
    fail: Option<&'static str>,
    waits: Vec<u64>,
}

impl World {
    /// A stranger's, of somebody who takes messages of anyone.
    fn new() -> Self {
        Self {
            log: Vec::new(),
            open: Vec::new(),
            known: true,
            door: Verdict::Ask,
            takes_strangers: true,
            introductions: Vec::new(),
            standing: None,
            calls: Vec::new(),
            rivals: Vec::new(),
            lost_replies: Vec::new(),
            removed_by_rival: false,
            tasks: Vec::new(),
            puts: 0,
            now: 0,
            ms_per_call: 0,
            fail: None,
            waits: Vec::new(),
        }
    }

    /// One in which both have talked before.
    fn lively() -> Self {
        Self { door: Verdict::Welcome, open: vec![user(1), user(2)], ..Self::new() }
    }

    fn append(&mut self, sender: u128, draft: &Draft) {
        let entry = draft.follow(self.log.last(), ConversationId::direct(user(1), user(2)), user(sender), NOW);
        self.log.push(entry);
    }

    fn run(&mut self, request: Request) -> Result<Vec<Result<Sent, Refusal>>, Refusal> {
        let now = |world: &Self| NOW.plus_millis(world.now);
        let (mut send, mut step) = Send::start(request, 4, now(self))?;
        for _ in 0..10_000 {
            match step {
                Step::Done(answer) => return Ok(answer),
                Step::Call(call) => {
                    self.now += self.ms_per_call;
                    let seen = self.answer(call);
                    step = send.next(seen, now(self));
                }
            }
        }
        panic!("never ends");
    }

    fn answer(&mut self, call: Call) -> Seen {
        let (name, seen) = match call {
            Call::ReadLog(From::Seq(from)) => (
                "log",
                Seen::Log(Tail {
                    entries: self.log.iter().filter(|entry| entry.seq >= from).cloned().collect(),
                    truncated: false,
                }),
            ),
            Call::ReadLog(From::Time(from)) => {
                let head = self.log.last().map(|entry| entry.seq);
                let keep = |entry: &&Entry| entry.sent_at >= from || Some(entry.seq) == head;
                ("log", Seen::Log(Tail { entries: self.log.iter().filter(keep).cloned().collect(), truncated: false }))
            }
            Call::ReadPermission(_) => ("permission", Seen::Door(self.door)),
            Call::ReadAccount(_) => ("account", Seen::Owner(self.known.then_some(self.takes_strangers))),
            Call::Introduce(_) => {
                let (introduced, then) = self.introductions.pop().unwrap_or((true, Verdict::Welcome));
                self.door = then;
                ("introduce", Seen::Introduced(introduced))
            }
            Call::ReadStanding => {
                let (group, member) = self.standing.clone().unzip();
                ("standing", Seen::Standing(group.map(Box::new), member.map(Box::new)))
            }
            Call::Put(entry) => {
                let turn = self.puts;
                self.puts += 1;
                if self.removed_by_rival {
                    self.standing = None;
                }
                let rivals = self.rivals.iter().filter(|(at, _)| *at == turn).map(|(_, entry)| entry.clone());
                self.log.extend(rivals.collect::<Vec<_>>());
                let index = usize::try_from(entry.seq.get()).unwrap() - 1;
                let seen = if let Some(winner) = self.log.get(index) {
                    Seen::Put(Put::Taken(Box::new(winner.clone())))
                } else {
                    assert_eq!(index, self.log.len(), "a put leaves a hole");
                    self.log.push(*entry);
                    if self.lost_replies.contains(&turn) { Seen::Failed } else { Seen::Put(Put::Stored) }
                };
                ("put", seen)
            }
            Call::Wait { bound_ms } => {
                self.waits.push(bound_ms);
                ("wait", Seen::Waited)
            }
            Call::ReadInboxes(users) => {
                let state = |user: &UserId| self.open.contains(user).then_some(HeadState::Open);
                ("inboxes", Seen::Inboxes(users.iter().map(state).collect()))
            }
            Call::Open(users) => {
                self.open.extend(users);
                ("open", Seen::Opened)
            }
            Call::Deliver(delivery::Call::ReadRoutes(_)) => {
                ("routes", Seen::Deliver(delivery::Seen::Routes(Vec::new())))
            }
            Call::Deliver(_) => ("deliver", Seen::Deliver(delivery::Seen::Delivered)),
            Call::Finish(task) => {
                self.tasks.push(task);
                ("finish", Seen::Queued)
            }
        };
        self.calls.push(name);
        if self.fail == Some(name) { Seen::Failed } else { seen }
    }
}

fn seqs(answer: &[Result<Sent, Refusal>]) -> Vec<Result<(u64, bool), Refusal>> {
    answer.iter().map(|result| result.map(|sent| (sent.seq.get(), sent.duplicate))).collect()
}

#[test]
fn a_first_message_takes_every_step_in_order() {
    let mut world = World::new();
    let answer = world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
    assert_eq!(seqs(&answer), [Ok((1, false))]);
    assert_eq!(world.calls, ["log", "permission", "account", "introduce", "put", "inboxes", "open", "routes"]);
    assert_eq!(world.open, [user(1), user(2)]);
}

#[test]
fn a_lively_conversation_writes_once() {
    let mut world = World::lively();
    world.append(2, &draft(9, 9));
    world.run(request(Some(1), vec![draft(1, 1)])).unwrap();
    assert_eq!(world.calls, ["log", "permission", "put", "inboxes", "routes"]);
}

#[test]
fn a_refused_sender_appends_nothing_and_cannot_tell_why() {
    for (door, takes_strangers, asked) in [
        (Verdict::Unwelcome, true, vec!["log", "permission"]),
        (Verdict::Ask, false, vec!["log", "permission", "account"]),
    ] {
        let mut world = World { door, takes_strangers, ..World::new() };
        let answer = world.run(request(Some(0), vec![draft(1, 1), draft(2, 2)])).unwrap();
        assert_eq!(seqs(&answer), [Err(Refusal::Unwelcome), Err(Refusal::NotTried)]);
        assert_eq!((world.log.len(), world.calls), (0, asked));
    }
}

#[test]
fn what_was_permitted_once_is_answered_for_ever() {
    let mut world = World { door: Verdict::Unwelcome, ..World::lively() };
    world.append(1, &draft(1, 1));
    let answer = world.run(request(Some(0), vec![draft(1, 1), draft(2, 2)])).unwrap();
    assert_eq!(seqs(&answer), [Ok((1, true)), Err(Refusal::Unwelcome)]);
}

/// Between the reading of the account and the introduction the recipient blocks the sender, or makes them a contact.
#[test]
fn an_introduction_that_comes_too_late_is_no_permission() {
    for (then, want) in [(Verdict::Unwelcome, Err(Refusal::Unwelcome)), (Verdict::Welcome, Ok((1, false)))] {
        let mut world = World { introductions: vec![(false, then)], ..World::new() };
        let answer = world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
        assert_eq!(seqs(&answer), [want], "{then:?}");
        assert!(world.calls.starts_with(&["log", "permission", "account", "introduce", "wait", "permission"]));
    }
}

#[test]
fn a_resend_is_single_and_still_made_visible() {
    for after in [Some(0), Some(1), None] {
        let mut world = World::new();
        world.append(2, &draft(9, 9));
        world.append(1, &draft(1, 1));
        world.append(2, &draft(8, 8));
        let answer = world.run(request(after, vec![draft(1, 1)])).unwrap();
        assert_eq!(seqs(&answer), [Ok((2, true))], "{after:?}");
        assert_eq!(world.calls, ["log", "inboxes", "open", "routes"]);
        assert_eq!(world.log.len(), 3);
    }
}

#[test]
fn the_same_id_with_another_body_is_a_conflict() {
    let mut world = World::new();
    world.append(1, &draft(1, 1));
    let answer = world.run(request(Some(0), vec![draft(1, 7), draft(2, 2)])).unwrap();
    assert_eq!(seqs(&answer), [Err(Refusal::Conflict), Err(Refusal::NotTried)]);
    assert_eq!(world.log.len(), 1);
}

#[test]
fn a_lost_race_looks_at_the_winner_and_goes_on_from_there() {
    let mut world = World::new();
    let mut rival = World::new();
    rival.append(2, &draft(9, 9));
    world.rivals = vec![(0, rival.log[0].clone())];
    let answer = world.run(request(Some(0), vec![draft(1, 1), draft(2, 2)])).unwrap();
    assert_eq!(seqs(&answer), [Ok((2, false)), Ok((3, false))]);
    assert_eq!(
        world.calls,
        ["log", "permission", "account", "introduce", "put", "wait", "log", "put", "put", "inboxes", "open", "routes"]
    );
    assert_eq!(world.log[2].counts, crate::log::Counts::Direct([2, 1]));
}

#[test]
fn who_collides_waits_in_units_of_what_an_attempt_takes() {
    let bounds = |ms_per_call| {
        let mut rival = World::new();
        (1..=10).for_each(|id| rival.append(2, &draft(id + 100, 9)));
        let rivals = rival.log.into_iter().enumerate().collect();
        let mut world = World { rivals, ms_per_call, ..World::new() };
        world.door = Verdict::Welcome;
        world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
        world.waits
    };
    assert_eq!(bounds(0)[..4], [8, 16, 32, 64], "a round trip of DynamoDB at least");
    assert_eq!(bounds(10)[..4], [40, 80, 160, 320]);
    assert_eq!(bounds(10)[9], 1_000, "never longer than that");
    assert_eq!(bounds(450), [1_000, 1_000, 950], "nor than there is time");
}

#[test]
fn an_own_earlier_attempt_that_lands_late_is_found_behind_the_winner() {
    let mut world = World::new();
    let mut rival = World::new();
    rival.append(2, &draft(9, 9));
    rival.append(1, &draft(1, 1));
    world.rivals = vec![(0, rival.log[0].clone()), (0, rival.log[1].clone())];
    let answer = world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
    assert_eq!(seqs(&answer), [Ok((2, true))]);
    assert_eq!(world.log.len(), 2);
}

#[test]
fn a_lost_reply_retries_the_same_place_and_finds_itself() {
    let mut world = World::new();
    world.lost_replies = vec![0];
    let answer = world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
    assert_eq!(seqs(&answer), [Ok((1, true))]);
    assert_eq!(world.log.len(), 1);
}

#[test]
fn a_batch_stops_at_its_first_failure_and_acknowledges_what_is_visible() {
    let mut world = World::new();
    world.append(1, &draft(2, 9));
    let answer = world.run(request(Some(0), vec![draft(1, 1), draft(2, 2), draft(3, 3)])).unwrap();
    assert_eq!(seqs(&answer), [Ok((2, false)), Err(Refusal::Conflict), Err(Refusal::NotTried)]);
    assert!(world.calls.ends_with(&["inboxes", "open", "routes"]));
}

#[test]
fn nothing_is_acknowledged_before_it_is_visible() {
    for step in ["open", "routes"] {
        let mut world = World::new();
        (world.fail, world.ms_per_call) = (Some(step), 100);
        let answer = world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
        assert_eq!(seqs(&answer), [Err(Refusal::Unavailable)], "{step}");
    }
}

#[test]
fn what_is_in_the_log_and_not_visible_becomes_a_task() {
    let mut world = World::new();
    (world.fail, world.ms_per_call) = (Some("open"), 100);
    world.append(1, &draft(2, 9));
    // The second draft conflicts, so it and the third have no place.
    world.run(request(Some(0), vec![draft(1, 1), draft(2, 2), draft(3, 3)])).unwrap();
    assert_eq!(world.tasks, [Task::Send(request(Some(0), vec![draft(1, 1)]))]);
    assert_eq!(world.calls.last(), Some(&"finish"), "and nothing after it");

    let mut world = World::new();
    (world.fail, world.ms_per_call) = (Some("put"), 100);
    world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
    assert_eq!(world.tasks, [], "a put of unknown outcome is the sender's to repeat");
}

#[test]
fn an_unreadable_inbox_is_opened() {
    let mut world = World::new();
    world.fail = Some("inboxes");
    assert_eq!(seqs(&world.run(request(Some(0), vec![draft(1, 1)])).unwrap()), [Ok((1, false))]);
    assert_eq!(world.open, [user(1), user(2)]);
}

#[test]
fn refusals() {
    let mut world = World::new();
    world.append(2, &draft(9, 9));
    let one = || vec![draft(1, 1)];
    let with = |change: fn(&mut Request)| {
        let mut request = request(Some(1), one());
        change(&mut request);
        request
    };
    let stranger = with(|request| request.sender = user(3));
    let notices = with(|request| request.conversation = ConversationId::Notices(user(1)));
    let others = with(|request| request.conversation = ConversationId::Notices(user(2)));
    let future = with(|request| request.drafts[0].client_id = ClientId::new(NOW.plus_millis(CLOCK_SKEW_MS + 1), 0));
    for (request, want) in [
        (stranger, Refusal::NotAMember),
        (notices, Refusal::Forbidden),
        (others, Refusal::NotAMember),
        (future, Refusal::ClientIdFromFuture),
        (request(None, Vec::new()), Refusal::BatchSize),
        (request(None, (0..21).map(|id| draft(id, 0)).collect()), Refusal::BatchSize),
        (request(None, vec![draft(1, 1), draft(1, 1)]), Refusal::RepeatedClientId),
    ] {
        assert_eq!(world.run(request), Err(want));
    }
    assert_eq!(seqs(&world.run(request(Some(2), one())).unwrap()), [Err(Refusal::AfterAboveHead)]);
    world.known = false;
    assert_eq!(seqs(&world.run(request(Some(1), one())).unwrap()), [Err(Refusal::NoSuchUser)]);
    assert_eq!(world.log.len(), 1, "nothing was stored");
}

fn group() -> Group {
    Group {
        id: GroupId::from_bits(5),
        name: "Club".parse().unwrap(),
        description: "".parse().unwrap(),
        owner: user(9),
        settings: Settings::default(),
        muted: false,
        announced: None,
        buckets: 4,
        version: Seq::FIRST,
        created_at: NOW,
        dissolved: false,
    }
}

fn to_group(draft: Draft) -> Request {
    Request { conversation: group().conversation(), ..request(None, vec![draft]) }
}

#[test]
fn in_a_group_the_membership_decides_and_the_queue_delivers() {
    let mut world = World::new();
    world.standing = Some((group(), Member::new(user(1), Role::Member, Seq::FIRST, NOW)));
    assert_eq!(seqs(&world.run(to_group(draft(1, 1))).unwrap()), [Ok((1, false))]);
    assert_eq!(world.calls, ["log", "standing", "put", "deliver"]);
    // Sent again by whoever was removed meanwhile: it is in the log.
    world.standing = None;
    assert_eq!(seqs(&world.run(to_group(draft(1, 1))).unwrap()), [Ok((1, true))]);
    assert_eq!(seqs(&world.run(to_group(draft(2, 1))).unwrap()), [Err(Refusal::NotAMember)]);
    assert_eq!(world.log.len(), 1);
}

/// SEE-1: where a group's log ends is nothing that an outsider may find out.
#[test]
fn outsiders_learn_nothing_of_a_groups_log() {
    let mut world = World::new();
    let above = Request { after: Some(Seq::new(5)), ..to_group(draft(1, 1)) };
    assert_eq!(seqs(&world.run(above.clone()).unwrap()), [Err(Refusal::NotAMember)]);
    world.standing = Some((group(), Member::new(user(1), Role::Member, Seq::FIRST, NOW)));
    assert_eq!(seqs(&world.run(above.clone()).unwrap()), [Err(Refusal::AfterAboveHead)]);
    // Who is muted may have written it before: that it is searched in vain is the answer.
    world.standing = Some((Group { muted: true, ..group() }, Member::new(user(1), Role::Member, Seq::FIRST, NOW)));
    assert_eq!(seqs(&world.run(above).unwrap()), [Err(Refusal::AfterAboveHead)]);
    assert_eq!(world.log, []);
}

/// SEE-1: whoever is removed while their message is on its way to its place does not get one.
#[test]
fn a_member_who_is_removed_while_sending_appends_nothing() {
    let mut world = World::new();
    world.standing = Some((group(), Member::new(user(1), Role::Member, Seq::FIRST, NOW)));
    let body = Body { json: "removed".to_owned(), hash: BodyHash::new([8; 32]) };
    let removal = Telling { client_id: ClientId::from_bits(3), body, joins: -1 };
    let removal = removal.follow(None, group().conversation(), user(9), NOW);
    world.rivals = vec![(0, removal)];
    world.removed_by_rival = true;
    assert_eq!(seqs(&world.run(to_group(draft(1, 1))).unwrap()), [Err(Refusal::NotAMember)]);
    assert_eq!(world.log.len(), 1, "the removal is the last entry");
    assert_eq!(world.calls.iter().filter(|call| **call == "standing").count(), 2);
}

#[test]
fn gives_up_in_time() {
    let mut world = World::new();
    (world.fail, world.ms_per_call) = (Some("put"), 50);
    world.puts = 0;
    let answer = world.run(request(Some(0), vec![draft(1, 1)])).unwrap();
    assert_eq!(seqs(&answer), [Err(Refusal::Unavailable)]);
    assert!(world.now <= SEND_DEADLINE_MS + 100);
}
