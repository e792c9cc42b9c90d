//! The changes of two people's contacts, against tables in memory, one after the other and in every order of their
//! calls.

use std::collections::BTreeMap;

use super::change::{Change, Refusal, Request, State, Told, Write};
use super::*;
use crate::change::{self, Call, Changed, Seen};
use crate::ids::{ClientId, ConversationId};
use crate::limits::{CHANGE_SEARCH_MAX, SEARCH_MAX};
use crate::log::{Body, BodyHash, Entry, From, Tail, Telling};
use crate::protocol::{Protocol as _, Step};

const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);
const ANN: UserId = UserId::from_bits(1);
const BOB: UserId = UserId::from_bits(2);

type Machine = change::Change<Request>;
type Answer = Result<Changed, change::Refusal<Refusal>>;

#[derive(Clone, Debug, Default)]
struct World {
    logs: BTreeMap<ConversationId, Vec<Entry>>,
    contacts: BTreeMap<(UserId, UserId), Contact>,
    doors: BTreeMap<(UserId, UserId), Relation>,
    later_ms: u64,
    requests: u128,
    /// The logs of which something was handed to the queue.
    queued: Vec<ConversationId>,
}

fn request(actor: UserId, number: u128, change: Change) -> Request {
    let peer = if actor == ANN { BOB } else { ANN };
    let client_id = ClientId::new(NOW, number);
    let mut hash = [0; 32];
    hash[0] = u8::try_from(number % 256).unwrap();
    Request { actor, peer, client_id, fingerprint: BodyHash::new(hash), change }
}

const fn ask() -> Change {
    Change::Request { greeting: None }
}

const fn accept() -> Change {
    Change::Answer { accept: true }
}

fn encode(told: &Told) -> String {
    format!("{told:?}")
}

impl World {
    fn now(&self) -> Timestamp {
        NOW.plus_millis(self.later_ms)
    }

    fn make(&mut self, request: &Request, call: Call<Write>) -> Seen<State> {
        let log = |world: &Self, of| world.logs.get(&of).cloned().unwrap_or_default();
        match call {
            Call::ReadLog(of, from) => {
                let from = if let From::Seq(seq) = from { seq } else { Seq::FIRST };
                let mut entries: Vec<_> = log(self, of).into_iter().filter(|entry| entry.seq >= from).collect();
                let truncated = entries.len() > CHANGE_SEARCH_MAX;
                if truncated {
                    entries.clear();
                }
                Seen::Log(Tail { entries, truncated })
            }
            Call::ReadHeads(logs) => Seen::Heads(logs.into_iter().map(|of| log(self, of).pop()).collect()),
            Call::ReadState => {
                let contact = |owner, peer| self.contacts.get(&(owner, peer)).cloned();
                let (own, theirs) = (contact(request.actor, request.peer), contact(request.peer, request.actor));
                Seen::State(State { own, theirs, known: true })
            }
            Call::Commit(entries, writes) => {
                let free = |(of, entry): &(ConversationId, Entry)| {
                    u64::try_from(log(self, *of).len()).unwrap() + 1 == entry.seq.get()
                };
                if !entries.iter().all(free) {
                    return Seen::Committed(false);
                }
                for (of, entry) in entries {
                    self.logs.entry(of).or_default().push(entry);
                }
                for write in writes {
                    match write {
                        Write::Contact(owner, contact) => {
                            let told = log(self, ConversationId::Notices(owner)).pop().map(|entry| entry.seq);
                            assert_eq!(Some(contact.version), told, "a record's version is the place of what told it");
                            self.contacts.insert((owner, contact.peer), contact);
                        }
                        Write::Door { owner, peer, relation } => drop(self.doors.insert((owner, peer), relation)),
                        Write::Notices(_) => {}
                    }
                }
                Seen::Committed(true)
            }
            Call::Wait { .. } => Seen::Waited,
            Call::Queue(jobs) => {
                self.queued.extend(jobs.into_iter().map(|job| job.conversation));
                Seen::Queued
            }
        }
    }

    /// So many things that happened to somebody within a moment.
    fn flood(&mut self, user: UserId, count: usize) {
        let (notices, body) =
            (ConversationId::Notices(user), Body { json: "{}".to_owned(), hash: BodyHash::new([9; 32]) });
        let log = self.logs.entry(notices).or_default();
        for number in 0..count {
            let client_id = ClientId::new(NOW, 1_000 + u128::try_from(number).unwrap());
            let telling = Telling { client_id, body: body.clone(), joins: 0 };
            log.push(telling.follow(log.last(), notices, BOB, NOW));
        }
    }

    fn run(&mut self, request: &Request) -> Answer {
        let (mut machine, mut step) = Machine::start(request.clone(), encode, None, self.now())?;
        loop {
            match step {
                Step::Done(answer) => return answer,
                Step::Call(call) => {
                    let seen = self.make(request, call);
                    step = machine.next(seen, self.now());
                }
            }
        }
    }

    fn does(&mut self, actor: UserId, change: Change) -> Answer {
        self.requests += 1;
        let answer = self.run(&request(actor, self.requests, change));
        self.check();
        answer
    }

    fn refuses(&mut self, actor: UserId, change: Change) -> Refusal {
        match self.does(actor, change) {
            Err(change::Refusal::Rule(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    fn tie(&self, owner: UserId) -> &'static str {
        let peer = if owner == ANN { BOB } else { ANN };
        match self.contacts.get(&(owner, peer)).and_then(|contact| contact.clone().at(self.now()).tie) {
            None => "none",
            Some(Tie::Asked { .. }) => "asked",
            Some(Tie::Asking { .. }) => "asking",
            Some(Tie::Friends { .. }) => "friends",
        }
    }

    fn ties(&self) -> [&'static str; 2] {
        [self.tie(ANN), self.tie(BOB)]
    }

    fn told(&self, user: UserId) -> usize {
        self.logs.get(&ConversationId::Notices(user)).map_or(0, Vec::len)
    }

    /// What holds at any time.
    fn check(&self) {
        let [ann, bob] = self.ties();
        assert_eq!(ann == "friends", bob == "friends", "{self:?}");
        assert!(ann != "asking" || bob == "asked", "{self:?}");
        assert!(bob != "asking" || ann == "asked", "{self:?}");
        for ((owner, peer), contact) in &self.contacts {
            let door = self.doors.get(&(*owner, *peer)).copied().unwrap_or_default();
            assert_eq!(contact.relation(), door, "an inbox says what the contacts say");
            assert!(!contact.is_gone() || (contact.remark.is_none() && contact.tags.is_empty()));
        }
    }
}

/// Every order of the calls of requests that are made at once; what each world came to, with the answers.
fn at_once(world: &World, requests: &[Request]) -> Vec<(World, Vec<Answer>)> {
    type Run = (Machine, Step<Call<Write>, Answer>);
    fn go(world: &World, requests: &[Request], runs: &[Run], ends: &mut Vec<(World, Vec<Answer>)>) {
        let mut done = true;
        for (index, (_, step)) in runs.iter().enumerate() {
            let Step::Call(call) = step else { continue };
            done = false;
            let (mut world, mut runs) = (world.clone(), runs.to_vec());
            let seen = world.make(&requests[index], call.clone());
            world.check();
            let run = &mut runs[index];
            run.1 = run.0.next(seen, world.now());
            go(&world, requests, &runs, ends);
        }
        if done {
            let answer = |(_, step): &Run| if let Step::Done(answer) = step { *answer } else { panic!("not done") };
            ends.push((world.clone(), runs.iter().map(answer).collect()));
        }
    }
    let begun = requests.iter().map(|request| Machine::start(request.clone(), encode, None, NOW).unwrap());
    let mut ends = Vec::new();
    go(world, requests, &begun.collect::<Vec<_>>(), &mut ends);
    assert!(ends.len() > 100, "{} orders", ends.len());
    ends
}

fn friends() -> World {
    let mut world = World::default();
    world.does(ANN, ask()).unwrap();
    world.does(BOB, accept()).unwrap();
    world
}

#[test]
fn a_request_is_told_to_both_and_answered_once() {
    let mut world = World::default();
    let greeting: Option<Greeting> = "Hello!".parse().ok();
    assert_eq!(world.does(ANN, Change::Request { greeting: greeting.clone() }).unwrap().seq, Seq::FIRST);
    assert_eq!((world.ties(), world.told(ANN), world.told(BOB)), (["asked", "asking"], 1, 1));
    assert_eq!(world.contacts[&(BOB, ANN)].tie, Some(Tie::Asking { at: NOW, greeting }));
    assert_eq!(world.refuses(ANN, accept()), Refusal::NobodyAsks);
    world.does(ANN, ask()).unwrap();
    assert_eq!((world.told(ANN), world.told(BOB)), (1, 1), "asked again, nobody is told again");
    world.does(BOB, accept()).unwrap();
    world.does(BOB, accept()).unwrap();
    world.does(ANN, ask()).unwrap();
    assert_eq!((world.ties(), world.told(ANN), world.told(BOB)), (["friends", "friends"], 2, 2));
    assert_eq!(world.doors, BTreeMap::from([((ANN, BOB), Relation::Contact), ((BOB, ANN), Relation::Contact)]));
}

/// Whoever did it may have died before anybody was told: the other one has no part in asking again.
#[test]
fn a_repetition_hands_on_what_was_told_to_both() {
    let mut world = World::default();
    let request = request(ANN, 1, ask());
    let (mut machine, mut step) = Machine::start(request.clone(), encode, None, NOW).unwrap();
    while let Step::Call(call) = step {
        if let Call::Queue(_) = call {
            break;
        }
        let seen = world.make(&request, call);
        step = machine.next(seen, NOW);
    }
    assert_eq!((world.ties(), world.queued.len()), (["asked", "asking"], 0));
    let again = world.run(&request).unwrap();
    assert_eq!((again.duplicate, again.conversation, again.seq), (true, ConversationId::Notices(ANN), Seq::FIRST));
    assert_eq!(world.queued, [ConversationId::Notices(ANN), ConversationId::Notices(BOB)]);
    assert_eq!(world.told(ANN), 1);
}

/// Who is flooded can still put an end to it.
#[test]
fn a_change_searches_through_a_flood_and_no_further() {
    let mut world = World::default();
    world.does(BOB, ask()).unwrap();
    world.flood(ANN, 3 * SEARCH_MAX);
    let block = request(ANN, 7, Change::Block);
    let told = world.run(&block).unwrap();
    assert_eq!(world.run(&block).unwrap(), Changed { duplicate: true, ..told }, "and is found beyond it");
    world.flood(ANN, CHANGE_SEARCH_MAX);
    assert_eq!(world.does(ANN, Change::Unblock), Err(change::Refusal::Behind));
}

#[test]
fn a_request_may_be_declined_withdrawn_and_forgotten() {
    let mut world = World::default();
    world.does(ANN, ask()).unwrap();
    world.does(BOB, Change::Answer { accept: false }).unwrap();
    assert_eq!((world.ties(), world.told(ANN)), (["none", "none"], 2));
    world.does(ANN, ask()).unwrap();
    world.does(ANN, Change::Remove).unwrap();
    assert_eq!((world.ties(), world.told(BOB)), (["none", "none"], 4));
    assert_eq!(world.refuses(BOB, accept()), Refusal::NobodyAsks);
    world.does(ANN, ask()).unwrap();
    world.later_ms = ASKING_TTL_MS;
    assert_eq!(world.refuses(BOB, accept()), Refusal::NobodyAsks);
    assert_eq!(world.refuses(ANN, Change::Remove), Refusal::NoContact);
    world.does(ANN, ask()).unwrap();
    assert_eq!((world.ties(), world.told(BOB)), (["asked", "asking"], 6), "and may be made again");
}

#[test]
fn who_is_blocked_cannot_tell() {
    let told = |blocked: bool| {
        let mut world = World::default();
        if blocked {
            world.does(BOB, Change::Block).unwrap();
        }
        world.requests = 10;
        let before = world.told(BOB);
        let answers = [ask(), ask(), Change::Remove, ask()].map(|change| world.does(ANN, change).unwrap());
        let bodies: Vec<_> = world.logs[&ConversationId::Notices(ANN)].iter().map(|entry| entry.body.clone()).collect();
        (answers, bodies, world.contacts[&(ANN, BOB)].clone(), world.told(BOB) - before)
    };
    let (free, blocked) = (told(false), told(true));
    assert_eq!((&free.0, &free.1, &free.2), (&blocked.0, &blocked.1, &blocked.2));
    assert_eq!((free.3, blocked.3), (3, 0), "nobody is told of them");

    // Nor do they become a contact because their own request was never seen.
    let mut world = World::default();
    world.does(BOB, Change::Block).unwrap();
    world.does(ANN, ask()).unwrap();
    assert_eq!(world.refuses(BOB, ask()), Refusal::Blocked);
    assert_eq!(world.refuses(BOB, accept()), Refusal::NobodyAsks);
    world.does(BOB, Change::Unblock).unwrap();
    assert_eq!(world.ties(), ["asked", "none"]);
    world.does(BOB, ask()).unwrap();
    assert_eq!(world.ties(), ["friends", "friends"]);
}

#[test]
fn a_block_is_mine_alone_and_leaves_the_tie() {
    let mut world = friends();
    let told = world.told(ANN);
    world.does(BOB, Change::Block).unwrap();
    assert_eq!((world.ties(), world.told(ANN)), (["friends", "friends"], told));
    assert_eq!((world.doors[&(BOB, ANN)], world.doors[&(ANN, BOB)]), (Relation::Blocked, Relation::Contact));
    world.does(ANN, Change::Remove).unwrap();
    assert_eq!((world.ties(), world.doors[&(BOB, ANN)]), (["none", "none"], Relation::Blocked));
    world.does(BOB, Change::Unblock).unwrap();
    assert_eq!(world.doors[&(BOB, ANN)], Relation::Stranger);
    // They had asked before, and are accepted although they block: their list says both.
    let mut world = World::default();
    world.does(ANN, ask()).unwrap();
    world.does(ANN, Change::Block).unwrap();
    world.does(BOB, accept()).unwrap();
    assert_eq!((world.ties(), world.doors[&(ANN, BOB)]), (["friends", "friends"], Relation::Blocked));
}

#[test]
fn names_are_for_those_whom_one_has() {
    let mut world = World::default();
    let name = |remark: &str| Change::Describe { remark: remark.parse().ok(), tags: vec!["work".parse().unwrap()] };
    assert_eq!(world.refuses(ANN, name("Bobby")), Refusal::NoContact);
    let mut world = friends();
    let told = world.told(BOB);
    world.does(ANN, name("Bobby")).unwrap();
    let seq = world.does(ANN, name("Bobby")).unwrap().seq;
    assert_eq!((seq, world.told(BOB)), (world.contacts[&(ANN, BOB)].version, told), "the same again tells nobody");
    world.does(BOB, Change::Remove).unwrap();
    assert_eq!(world.contacts[&(ANN, BOB)].remark, None);
}

#[test]
fn the_same_again_is_the_same_and_another_is_a_conflict() {
    let mut world = World::default();
    let first = world.run(&request(ANN, 7, ask())).unwrap();
    let again = world.run(&request(ANN, 7, ask())).unwrap();
    assert_eq!(again, Changed { duplicate: true, ..first });
    let other = Request { fingerprint: BodyHash::new([9; 32]), ..request(ANN, 7, Change::Block) };
    assert_eq!(world.run(&other), Err(change::Refusal::Conflict));
    assert_eq!(world.told(ANN), 1);
    let oneself = Request { peer: ANN, ..request(ANN, 8, ask()) };
    assert_eq!(oneself.check(), Err(Refusal::Oneself));
}

#[test]
fn who_ask_each_other_at_once_are_contacts() {
    for (world, answers) in at_once(&World::default(), &[request(ANN, 1, ask()), request(BOB, 2, ask())]) {
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((world.ties(), world.told(ANN), world.told(BOB)), (["friends", "friends"], 2, 2));
    }
}

#[test]
fn an_answer_and_a_withdrawal_at_once_are_one_after_the_other() {
    let mut asked = World::default();
    asked.does(ANN, ask()).unwrap();
    let mut ends = std::collections::BTreeSet::new();
    for (world, answers) in at_once(&asked, &[request(ANN, 11, Change::Remove), request(BOB, 12, accept())]) {
        // Either it was withdrawn and there was nothing to accept, or it was accepted and then ended.
        assert_eq!((world.ties(), answers[0].is_ok()), (["none", "none"], true));
        ends.insert(answers[1].is_ok());
    }
    assert_eq!(ends.len(), 2, "both happen");
}

#[test]
fn a_block_beside_a_request_or_an_answer_is_before_or_after_it() {
    let mut ends = std::collections::BTreeSet::new();
    for (world, answers) in at_once(&World::default(), &[request(ANN, 1, ask()), request(BOB, 2, Change::Block)]) {
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((world.tie(ANN), world.doors[&(BOB, ANN)]), ("asked", Relation::Blocked));
        ends.insert(world.tie(BOB));
    }
    assert_eq!(ends, ["none", "asking"].into());

    let mut asked = World::default();
    asked.does(ANN, ask()).unwrap();
    for (world, answers) in at_once(&asked, &[request(ANN, 11, Change::Block), request(BOB, 12, accept())]) {
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!((world.ties(), world.doors[&(ANN, BOB)]), (["friends", "friends"], Relation::Blocked));
        assert_eq!(world.doors[&(BOB, ANN)], Relation::Contact);
    }
    for (world, _) in at_once(&asked, &[request(BOB, 11, Change::Block), request(BOB, 12, accept())]) {
        assert_eq!(world.doors[&(BOB, ANN)], Relation::Blocked);
    }
}

#[test]
fn who_unblocks_while_asked_may_ask_back() {
    let mut blocked = World::default();
    blocked.does(BOB, Change::Block).unwrap();
    blocked.requests = 0;
    for (mut world, _) in at_once(&blocked, &[request(ANN, 11, ask()), request(BOB, 12, Change::Unblock)]) {
        world.requests = 20;
        world.does(BOB, ask()).unwrap();
        assert_eq!(world.ties(), ["friends", "friends"]);
    }
}
