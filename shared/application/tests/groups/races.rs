//! Requests side by side, call by call, in every order that there is, with replies of commits that are lost.

use std::cell::Cell;
use std::collections::BTreeSet;

use tidings_application::clock::Clock;
use tidings_application::ports::{FanOutQueue, GroupCommit, GroupRead, LogAppend, LogRead, Range};
use tidings_domain::change::{self, Call};
use tidings_domain::contact::Reception;
use tidings_domain::delivery;
use tidings_domain::group::change::{Change, Refusal, Request, Wanted};
use tidings_domain::group::permissions::Denied;
use tidings_domain::group::{Joining, Link, LinkCode, Settings};
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::limits::SEARCH_MAX;
use tidings_domain::protocol::{Protocol, Step};
use tidings_domain::send::{self, Send};
use tidings_testkit::messages::contract::draft;

use super::world::{Answer, GROUP, LOG, World, encode, now, user};

/// What becomes of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Answered,
    /// It is carried out, and its reply is lost.
    Lost,
    /// It is not carried out.
    Failed,
}

/// A protocol under way.
struct Running<P: Protocol> {
    protocol: P,
    step: Step<P::Call, P::Answer>,
}

/// Somebody's request under way.
enum Racer {
    Change(Request, Running<change::Change<Request>>),
    Send(send::Request, Running<Send>),
}

impl<P: Protocol> Running<P> {
    const fn call(&self) -> Option<&P::Call> {
        match &self.step {
            Step::Call(call) => Some(call),
            Step::Done(_) => None,
        }
    }

    fn show(&mut self, world: &World, seen: P::Seen) {
        self.step = self.protocol.next(seen, world.clock.now());
    }
}

/// What somebody wants in a race.
#[derive(Clone)]
enum Want {
    Change(u128, Change),
    /// The same as the want before, from another device.
    Same,
    Say(u128),
}

/// What they are answered.
#[derive(Clone, Debug, PartialEq)]
enum Got {
    Changed(Answer),
    Sent(Result<send::Sent, send::Refusal>),
}

impl Got {
    const fn is_ok(&self) -> bool {
        matches!(self, Self::Changed(Ok(_)) | Self::Sent(Ok(_)))
    }

    const fn rule(&self) -> Option<Refusal> {
        match self {
            Self::Changed(Err(change::Refusal::Rule(refusal))) => Some(*refusal),
            _ => None,
        }
    }
}

impl Racer {
    fn change(world: &World, request: Request) -> Self {
        let (protocol, step) = change::Change::start(request.clone(), encode, None, world.clock.now()).unwrap();
        Self::Change(request, Running { protocol, step })
    }

    fn send(world: &World, request: send::Request) -> Self {
        let (protocol, step) = Send::start(request.clone(), 4, world.clock.now()).unwrap();
        Self::Send(request, Running { protocol, step })
    }

    fn say(world: &World, number: u128) -> Self {
        let drafts = vec![draft(&world.clock, "hello")];
        let (sender, connection, after) = (user(number), None, None);
        Self::send(world, send::Request { conversation: LOG, sender, connection, after, drafts })
    }

    fn start(world: &World, want: Want, last: Option<&Self>) -> Self {
        match (want, last) {
            (Want::Change(actor, change), _) => Self::change(world, world.request(actor, change)),
            (Want::Say(sender), _) => Self::say(world, sender),
            (Want::Same, Some(Self::Change(request, _))) => Self::change(world, request.clone()),
            (Want::Same, Some(Self::Send(request, _))) => Self::send(world, request.clone()),
            (Want::Same, None) => unreachable!("the same as nothing"),
        }
    }

    /// Whether its next call writes.
    const fn commits(&self) -> bool {
        match self {
            Self::Change(_, it) => matches!(it.call(), Some(Call::Commit(..))),
            Self::Send(_, it) => matches!(it.call(), Some(send::Call::Put(_))),
        }
    }

    /// What may become of its next call; nothing, when it is done.
    const fn fates(&self, losses: usize) -> &'static [Fate] {
        let done = match self {
            Self::Change(_, it) => it.call().is_none(),
            Self::Send(_, it) => it.call().is_none(),
        };
        match (done, losses > 0 && self.commits()) {
            (true, _) => &[],
            (false, false) => &[Fate::Answered],
            (false, true) => &[Fate::Answered, Fate::Lost, Fate::Failed],
        }
    }

    /// Makes its next call, and those after it that nobody else can tell from one.
    fn advance(&mut self, world: &World, fate: Fate) {
        match self {
            Self::Change(request, it) => {
                let seen = it.call().cloned().map(|call| change_call(world, request, call, fate));
                it.show(world, seen.unwrap());
                while let Some(call @ (Call::Wait { .. } | Call::Queue(_))) = it.call().cloned() {
                    it.show(world, change_call(world, request, call, Fate::Answered));
                }
            }
            Self::Send(request, it) => {
                let seen = it.call().cloned().map(|call| send_call(world, request.sender, call, fate));
                it.show(world, seen.unwrap());
                while let Some(call @ (send::Call::Wait { .. } | send::Call::Deliver(_))) = it.call().cloned() {
                    it.show(world, send_call(world, request.sender, call, Fate::Answered));
                }
            }
        }
    }

    fn got(&self) -> Got {
        match self {
            Self::Change(_, Running { step: Step::Done(answer), .. }) => Got::Changed(*answer),
            Self::Send(_, Running { step: Step::Done(answers), .. }) => Got::Sent(answers[0]),
            _ => unreachable!("it is done"),
        }
    }
}

fn change_call(
    world: &World,
    request: &Request,
    call: Call<<Request as change::Rules>::Write>,
    fate: Fate,
) -> change::Seen<<Request as change::Rules>::State> {
    use change::Seen;
    let log = &world.groups.log;
    match call {
        Call::ReadLog(conversation, from) => Seen::Log(now(log.tail(conversation, from, SEARCH_MAX)).unwrap()),
        Call::ReadHeads(logs) => {
            let head = |log_of| now(log.page(log_of, Range::Newest, 1)).unwrap().entries.pop();
            Seen::Heads(logs.into_iter().map(head).collect())
        }
        Call::ReadState => {
            let wanted = request.wanted();
            let mut state = now(world.groups.state(GROUP, &wanted)).unwrap();
            state.people = request.people(&state).into_iter().map(|user| (user, Reception::Welcome)).collect();
            Seen::State(state)
        }
        Call::Commit(..) if fate == Fate::Failed => Seen::Failed,
        Call::Commit(entries, writes) => {
            let committed = now(world.groups.commit(GROUP, &entries, &writes)).unwrap();
            if fate == Fate::Lost { Seen::Failed } else { Seen::Committed(committed) }
        }
        Call::Wait { .. } => Seen::Waited,
        Call::Queue(jobs) => {
            for job in &jobs {
                now(world.queue.fan_out(job)).unwrap();
            }
            Seen::Queued
        }
    }
}

fn send_call(world: &World, sender: UserId, call: send::Call, fate: Fate) -> send::Seen {
    use send::Seen;
    let log = &world.groups.log;
    match call {
        send::Call::ReadLog(from) => Seen::Log(now(log.tail(LOG, from, SEARCH_MAX)).unwrap()),
        send::Call::ReadStanding => {
            let wanted = Wanted { members: vec![sender], ..Wanted::default() };
            let mut state = now(world.groups.state(GROUP, &wanted)).unwrap();
            Seen::Standing(state.group.map(Box::new), state.members.remove(&sender).map(Box::new))
        }
        send::Call::Put(_) if fate == Fate::Failed => Seen::Failed,
        send::Call::Put(entry) => {
            let put = now(log.put(LOG, &entry)).unwrap();
            if fate == Fate::Lost { Seen::Failed } else { Seen::Put(put) }
        }
        send::Call::Wait { .. } => Seen::Waited,
        send::Call::Deliver(delivery::Call::Queue(job)) => {
            now(world.queue.fan_out(&job)).unwrap();
            Seen::Deliver(delivery::Seen::Delivered)
        }
        call => unreachable!("{call:?}: nobody does that in a group"),
    }
}

/// What the racers are up against.
struct Race {
    settings: Settings,
    members: &'static [u128],
    /// What happened before.
    before: Vec<(u128, Change)>,
    wants: Vec<Want>,
    /// How many replies of commits may be lost, or commits fail.
    losses: usize,
}

impl Race {
    /// Runs it in every order, but those that differ in reads alone. After each the log, the records and the queues agree, and the same requests again find what
    /// they did.
    fn run(&self, check: impl Fn(&World, &[Got])) {
        // The choices of a run, and how many there were at each.
        let mut path: Vec<(usize, usize)> = Vec::new();
        let mut runs = 0;
        loop {
            if let Some((world, racers)) = self.once(&mut path) {
                let got: Vec<_> = racers.iter().map(Racer::got).collect();
                world.check();
                check(&world, &got);
                same_again(&world, racers);
                runs += 1;
            }
            while let Some((choice, of)) = path.pop() {
                if choice + 1 < of {
                    path.push((choice + 1, of));
                    break;
                }
            }
            if path.is_empty() {
                assert!(runs > 5, "{runs} orders are no race");
                return;
            }
        }
    }

    /// One run. Nothing, if another one differs from it in the order of reads alone (sleep sets: Godefroid 1996, 5.2).
    fn once(&self, path: &mut Vec<(usize, usize)>) -> Option<(World, Vec<Racer>)> {
        let world = World::founded(self.settings, self.members);
        for (actor, change) in self.before.clone() {
            world.ask(actor, change).unwrap();
        }
        let mut racers: Vec<Racer> = Vec::new();
        for want in self.wants.clone() {
            let racer = Racer::start(&world, want, racers.last());
            racers.push(racer);
        }
        let mut losses = self.losses;
        // Whose next read was tried already where this run branched off, and nothing was written since.
        let mut asleep: BTreeSet<usize> = BTreeSet::new();
        for depth in 0.. {
            let open = racers.iter().enumerate().filter(|(index, _)| !asleep.contains(index));
            let choices: Vec<_> =
                open.flat_map(|(index, racer)| racer.fates(losses).iter().map(move |fate| (index, *fate))).collect();
            if choices.is_empty() {
                break;
            }
            if path.len() == depth {
                path.push((0, choices.len()));
            }
            let (chosen, _) = path[depth];
            let (index, fate) = choices[chosen];
            if racers[index].commits() {
                asleep.clear();
            } else {
                asleep.extend(
                    choices[..chosen].iter().map(|(tried, _)| *tried).filter(|tried| !racers[*tried].commits()),
                );
                asleep.remove(&index);
            }
            losses -= usize::from(fate != Fate::Answered);
            racers[index].advance(&world, fate);
        }
        let complete = racers.iter().all(|racer| racer.fates(0).is_empty());
        complete.then_some((world, racers))
    }
}

/// IDEM-1.
fn same_again(world: &World, racers: Vec<Racer>) {
    for racer in racers {
        let got = racer.got();
        let Racer::Change(request, _) = racer else { continue };
        let stored = world.stored();
        let Got::Changed(Ok(first)) = got else { continue };
        let told = world.groups.log.all(first.conversation);
        if told.iter().any(|entry| entry.sender == request.actor && entry.client_id == request.client_id) {
            let again = world.run(&request).unwrap();
            assert_eq!((again.seq, again.duplicate), (first.seq, true));
            assert_eq!(world.stored(), stored);
        }
    }
}

fn race(members: &'static [u128], wants: Vec<Want>) -> Race {
    let settings = Settings { joining: Joining::Open, ..Settings::default() };
    Race { settings, members, before: Vec::new(), wants, losses: 1 }
}

fn kick(actor: u128, number: u128) -> Want {
    Want::Change(actor, Change::Kick { user: user(number) })
}

fn hand_over(actor: u128, number: u128) -> Want {
    Want::Change(actor, Change::Transfer { user: user(number) })
}

fn appoint(actor: u128, number: u128) -> Want {
    Want::Change(actor, Change::Role { user: user(number), admin: true })
}

fn answer(actor: u128, accept: bool) -> Want {
    Want::Change(actor, Change::Answer { user: user(3), accept })
}

const fn join(actor: u128) -> Want {
    Want::Change(actor, Change::Join { link: None, greeting: None })
}

fn join_by(actor: u128) -> Want {
    Want::Change(actor, Change::Join { link: Some(LinkCode::from_bits(1)), greeting: None })
}

/// One that lets in one.
fn link(world: &World) -> Change {
    let (by, client_id) = (user(1), ClientId::from_bits(1));
    let expires_at = world.clock.now().plus_millis(1_000);
    Change::MakeLink(Link { code: LinkCode::from_bits(1), by, client_id, expires_at, uses_left: Some(1) })
}

fn count(world: &World, told: &str) -> usize {
    world.check().told.iter().filter(|it| it.starts_with(told)).count()
}

/// How many got what they wanted.
fn winners(got: &[Got]) -> usize {
    got.iter().filter(|got| got.is_ok()).count()
}

/// SEE-1: that nothing of the removed stands after the removal is checked with every log.
#[test]
fn who_is_removed_while_sending_is_heard_before_or_not_at_all() {
    race(&[2, 3], vec![kick(1, 3), Want::Say(3)]).run(|world, got| {
        assert!(got[0].is_ok());
        match got[1] {
            Got::Sent(Ok(sent)) => {
                assert_eq!(world.log()[usize::try_from(sent.seq.before().get()).unwrap()].sender, user(3));
            }
            Got::Sent(Err(refusal)) => assert_eq!(refusal, send::Refusal::NotAMember),
            Got::Changed(_) => unreachable!("a message"),
        }
        assert_eq!(count(world, "hello"), usize::from(got[1].is_ok()));
    });
}

#[test]
fn who_is_muted_while_sending_is_heard_before_or_not_at_all() {
    let until = || Some(World::default().clock.now().plus_millis(1_000));
    for muting in [Change::MuteAll { muted: true }, Change::Mute { user: user(3), until: until() }] {
        race(&[3], vec![Want::Change(1, muting), Want::Say(3)]).run(|world, got| {
            assert!(got[0].is_ok());
            assert_eq!(count(world, "hello"), usize::from(got[1].is_ok()));
        });
    }
}

#[test]
fn nobody_joins_or_speaks_after_the_end() {
    race(&[2], vec![Want::Change(1, Change::Dissolve), join(3)]).run(|world, got| {
        assert!(got[0].is_ok());
        assert_eq!(count(world, "joined"), usize::from(got[1].is_ok()));
    });
    race(&[2], vec![Want::Change(1, Change::Dissolve), Want::Say(2)]).run(|_, got| assert!(got[0].is_ok()));
}

/// Nobody comes into a group that ends because nobody was in it.
#[test]
fn an_empty_group_ends_or_somebody_comes() {
    let ended = Cell::new(0);
    race(&[], vec![Want::Change(1, Change::DissolveEmpty), join(3)]).run(|world, got| {
        assert_eq!((winners(got), count(world, "joined")), (1, usize::from(got[1].is_ok())));
        ended.set(ended.get() + usize::from(got[0].is_ok()));
    });
    assert!(ended.get() > 0);
}

#[test]
fn an_owner_hands_over_once() {
    race(&[2, 3], vec![hand_over(1, 2), hand_over(1, 3)]).run(|world, got| {
        assert_eq!((winners(got), count(world, "owner")), (1, 1));
        let refused = got.iter().find_map(Got::rule);
        assert_eq!(refused, Some(Refusal::Denied(Denied::Role)));
    });
}

#[test]
fn an_heir_who_leaves_inherits_nothing() {
    race(&[2, 3], vec![hand_over(1, 2), Want::Change(2, Change::Leave)]).run(|world, got| {
        assert_eq!(winners(got), 1);
        assert_eq!(count(world, "owner") + count(world, "gone"), 1);
    });
}

#[test]
fn who_joins_twice_at_once_comes_once() {
    race(&[2], vec![join(3), join(3)]).run(|world, got| {
        assert_eq!((winners(got), count(world, "joined")), (2, 1), "the other finds it is so");
    });
}

#[test]
fn the_same_request_twice_at_once_is_one() {
    let mut others = vec![kick(1, 3), appoint(1, 3), hand_over(1, 3), join(4)];
    others.push(Want::Change(2, Change::Invite { user: user(4), greeting: None }));
    for want in others {
        race(&[2, 3], vec![want, Want::Same]).run(|world, got| {
            let [Got::Changed(Ok(first)), Got::Changed(Ok(second))] = got else { panic!("{got:?}") };
            assert_eq!((first.conversation, first.seq), (second.conversation, second.seq));
            assert!(first.duplicate || second.duplicate);
            assert_eq!(world.groups.log.all(first.conversation).last().unwrap().seq, first.seq);
        });
    }
}

/// What a request has made is no reason to refuse it, nor is what follows.
#[test]
fn the_same_twice_at_once_is_answered_the_same_whatever_comes_between() {
    let outcome = |got: &Got| match got {
        Got::Changed(changed) => changed.map(|changed| changed.seq).map_err(|_| ()),
        Got::Sent(sent) => sent.map(|sent| sent.seq).map_err(|_| ()),
    };
    for wants in [
        vec![Want::Say(3), Want::Same, kick(1, 3)],
        vec![Want::Say(3), Want::Same, Want::Change(1, Change::MuteAll { muted: true })],
        vec![appoint(1, 3), Want::Same, hand_over(1, 2)],
        vec![join(4), Want::Same, kick(1, 4)],
    ] {
        Race { losses: 0, ..race(&[2, 3], wants) }.run(|_, got| assert_eq!(outcome(&got[0]), outcome(&got[1])));
    }
}

#[test]
fn who_is_removed_while_leaving_goes_once() {
    race(&[2, 3], vec![kick(1, 3), Want::Change(3, Change::Leave)]).run(|world, got| {
        assert_eq!((winners(got), count(world, "gone")), (1, 1));
        let refused = got.iter().find_map(Got::rule).unwrap();
        assert!([Refusal::NoSuchMember, Refusal::Denied(Denied::NotAMember)].contains(&refused), "{refused:?}");
    });
}

#[test]
fn an_admin_cannot_remove_who_is_made_one_meanwhile() {
    let before = vec![(1, Change::Role { user: user(2), admin: true })];
    let promoted = Race { before, ..race(&[2, 3], vec![kick(2, 3), appoint(1, 3)]) };
    promoted.run(|world, got| {
        assert_eq!(winners(got), 1);
        assert_eq!(count(world, "gone") + count(world, &format!("role {}", user(3))), 1);
    });
}

fn approval() -> Race {
    let settings = Settings { joining: Joining::Approval, ..Settings::default() };
    Race { settings, ..race(&[2], Vec::new()) }
}

#[test]
fn of_two_answers_one_is_given() {
    let before =
        || vec![(1, Change::Role { user: user(2), admin: true }), (3, Change::Join { link: None, greeting: None })];
    for wants in [vec![answer(1, true), answer(2, false)], vec![answer(1, true), answer(2, true)]] {
        Race { before: before(), wants, ..approval() }.run(|world, got| {
            assert_eq!(winners(got), 1);
            assert_eq!(got.iter().find_map(Got::rule), Some(Refusal::NobodyAsks));
            let is_in = matches!(got[0], Got::Changed(Ok(_))) || count(world, "joined") == 1;
            assert_eq!(count(world, "joined"), usize::from(is_in));
        });
    }
}

/// Whoever is in by a link is not let in again by the answer, whatever is left of the request.
#[test]
fn who_asks_while_joining_by_a_link_comes_once() {
    let world = World::default();
    let wants = vec![join(3), join_by(3), answer(1, true)];
    Race { before: vec![(1, link(&world))], wants, losses: 0, ..approval() }.run(|world, _| {
        assert_eq!(count(world, "joined"), 1);
        let late = world.ask(1, Change::Answer { user: user(3), accept: true });
        assert!(late.is_ok() || late == Err(change::Refusal::Rule(Refusal::NobodyAsks)), "{late:?}");
        assert_eq!(count(world, "joined"), 1);
    });
}

#[test]
fn a_link_for_one_lets_in_one() {
    let before = vec![(1, link(&World::default()))];
    Race { before, ..race(&[2], vec![join_by(3), join_by(4)]) }.run(|world, got| {
        assert_eq!((winners(got), count(world, "joined")), (1, 1));
        assert_eq!(got.iter().find_map(Got::rule), Some(Refusal::LinkNotGood));
    });
}

#[test]
fn three_at_once_end_in_one_order() {
    let wants = vec![kick(1, 3), Want::Say(3), hand_over(1, 2)];
    Race { losses: 0, ..race(&[2, 3], wants) }.run(|world, got| {
        assert!(got[2].is_ok());
        // Handed over first, it is an admin who removes a member.
        assert!(got[0].is_ok());
        assert_eq!(count(world, "hello"), usize::from(got[1].is_ok()));
    });
}
