//! Queued delivery: whoever is online gets every event or a hint to pull, and nobody else gets anything, whatever
//! becomes of records and workers.

use tidings_domain::change::Audience;
use tidings_domain::delivery::{Event, FanOut};
use tidings_domain::fan_out;
use tidings_domain::ids::{ConnectionId, ConversationId, UserId};
use tidings_domain::limits::POST_TRIES;
use tidings_domain::log::{Entry, Seq};
use tidings_domain::posting::{self, Retry};
use tidings_domain::route::Route;
use tidings_models::cast::{ANN, BOB, NOW, UNREADABLE, draft, old, ours, route};
use tidings_models::{Call, Job, Law, Phase, Run, Scenario, Socket, State, Task, check};

/// Not in the conversation.
const CARL: UserId = UserId::from_bits(3);
/// Ann's laptop, which sent the messages and was answered.
const SENDER: &str = "Ann's laptop";
/// The others of the conversation that are online.
const OTHERS: [&str; 2] = ["Ann's phone", "Bob's phone"];
/// Carl's phone.
const STRANGER: &str = "Carl's phone";

fn routes() -> [Route; 4] {
    [
        route(ANN, "laptop", SENDER, 0),
        route(ANN, "phone", OTHERS[0], 0),
        route(BOB, "phone", OTHERS[1], 0),
        route(CARL, "phone", STRANGER, 0),
    ]
}

/// Two messages are in the log, and everybody is online.
fn online() -> State {
    let mut start = State::default();
    for number in 0..2 {
        let entry = draft(number).follow(start.logs.of(ours()).next_back(), ours(), ANN, NOW);
        start.logs.put(ours(), &entry);
    }
    for route in routes() {
        start.routes.claim(&route);
        start.sockets.insert(route.connection, Socket::up());
    }
    start
}

fn news(state: &State, seq: u64) -> Vec<Event> {
    state.logs.entry(ours(), Seq::new(seq)).map(|entry| Event::Entry(ours(), entry.clone())).into_iter().collect()
}

/// The record that tells everybody about the message at `seq`.
fn told(state: &State, seq: u64) -> fan_out::Job {
    let except = Some(ConnectionId::new(SENDER));
    fan_out::Job::FanOut(FanOut {
        conversation: ours(),
        events: news(state, seq),
        except,
        audience: Audience::default(),
    })
}

/// Bob has read up to here, as everybody is told.
const READ: Seq = Seq::new(2);

fn position() -> Event {
    Event::Read { conversation: ours(), user: BOB, seq: READ }
}

/// The record of a conversation in which nobody can be reached, whenever one tries.
fn poison() -> fan_out::Job {
    let conversation = ConversationId::direct(ANN, UNREADABLE);
    let events = vec![Event::Read { conversation, user: UNREADABLE, seq: Seq::FIRST }];
    fan_out::Job::FanOut(FanOut { conversation, events, except: None, audience: Audience::default() })
}

fn scenario(faults_and_deaths: (u8, u8), start: State, workers: &[&'static str]) -> Scenario {
    let jobs = workers.iter().map(|name| Job::new(name, Task::Work)).collect();
    Scenario::new(faults_and_deaths, start, jobs).holding([
        ("who is online ends with every message or a hint", everybody_is_told),
        ("who is online ends with every read position, which no sync tells", positions_are_told),
        ("nobody else gets anything", nobody_else_is_told),
    ] as [Law; 3])
}

/// Checked when the queues are empty and nobody is at work.
fn everybody_is_told(_: &Scenario, state: &State) -> bool {
    !state.is_quiet()
        || OTHERS.iter().all(|name| {
            let socket = &state.sockets[&ConnectionId::new(*name)];
            let told = |entry: &Entry| entry.seq <= socket.hinted || socket.pushed.contains(&entry.seq);
            state.logs.of(ours()).all(told)
        })
}

/// Where the scenario begins with news of a position, nobody ends without.
fn positions_are_told(scenario: &Scenario, state: &State) -> bool {
    let news = scenario.start.queue.values().any(|job| match job {
        fan_out::Job::FanOut(job) => job.events.contains(&position()),
        fan_out::Job::Retry(job) => job.events.contains(&position()),
    });
    !news || !state.is_quiet() || OTHERS.iter().all(|name| state.sockets[&ConnectionId::new(*name)].read == READ)
}

fn nobody_else_is_told(_: &Scenario, state: &State) -> bool {
    [SENDER, STRANGER].iter().all(|name| state.sockets[&ConnectionId::new(*name)] == Socket::up())
}

fn poison_stays(_: &Scenario, state: &State) -> bool {
    state.queue.values().any(|job| *job == poison())
}

fn holds(state: &State, record: u8) -> usize {
    state.runs.iter().filter(|run| run.held.contains(&record)).count()
}

const TOGETHER: Law = ("two records share a post", |_, state| {
    state.sockets.values().any(|socket| socket.pushed.len() == 2) && state.runs.iter().any(|run| run.held.len() == 2)
});
const DOUBLED: Law = ("a record comes twice", |_, state| (0..2).any(|record| holds(state, record) == 2));
const QUEUED_AGAIN: Law =
    ("a failed post is queued again", |_, state| state.queue.values().any(|job| matches!(job, fan_out::Job::Retry(_))));
const HALF_QUEUED: Law = ("two jobs are to be queued again", |_, state| {
    state.runs.iter().any(|run| {
        matches!(&run.phase, Phase::Waiting(_, Call::Worker(fan_out::Call::Posting(posting::Call::Queue(jobs))))
            if jobs.len() == 2)
    })
});
const HINTED: Law =
    ("a device is told to pull", |_, state| state.sockets.values().any(|socket| socket.hinted > Seq::NONE));
const REDELIVERED: Law = ("a record is left by a dead worker", |scenario, state| {
    state.deaths < scenario.start.deaths && state.queue.contains_key(&0) && holds(state, 0) == 0
});
const SWEPT: Law = ("the route of a connection that is gone is swept", |_, state| {
    let release = |call: &posting::Call| matches!(call, posting::Call::Release(_));
    let sweeps = |run: &Run| matches!(&run.phase, Phase::Waiting(_, Call::Worker(fan_out::Call::Posting(call))) if release(call));
    state.runs.iter().any(sweeps)
});

/// Records come doubled, reordered, one by one or together, to two workers that die and whose posts fail.
#[test]
fn everybody_online_is_told_whatever_becomes_of_records_and_workers() {
    let mut start = online();
    start.enqueue(told(&start, 1));
    start.enqueue(told(&start, 2));
    let scenario = scenario((2, 1), start, &["worker", "other worker"]);
    let scenario = scenario.reaching([TOGETHER, DOUBLED, QUEUED_AGAIN, HINTED, REDELIVERED]);
    let verdict = check("two records, two workers", scenario, 200_000);
    assert!(verdict.holds(), "{verdict}");
}

/// Of two connections that are to get different things neither is forgotten when one of the jobs cannot be queued.
#[test]
fn what_cannot_be_queued_again_is_delivered_again() {
    let mut start = online();
    start.enqueue(told(&start, 1));
    start.enqueue(told(&start, 2));
    let scenario = scenario((3, 0), start, &["worker"]).reaching([TOGETHER, QUEUED_AGAIN, HINTED, HALF_QUEUED]);
    let verdict = check("half of it queued", scenario, 30_000);
    assert!(verdict.holds(), "{verdict}");
}

/// A connection that was tried in vain more often than events are repeated gets a hint, and the others their events.
/// Read positions are told in any case: no sync would.
#[test]
fn who_cannot_be_reached_is_hinted_and_does_not_hold_up_the_others() {
    let mut start = online();
    let [_, phone, bob, _] = routes();
    start.enqueue(told(&start, 1));
    let events = [news(&start, 2), vec![position()]].concat();
    start.enqueue(fan_out::Job::Retry(Retry { routes: vec![phone, bob], events, tries: POST_TRIES }));
    let scenario = scenario((3, 0), start, &["worker"]).reaching([TOGETHER, QUEUED_AGAIN, HINTED]);
    let verdict = check("a retry after many", scenario, 20_000);
    assert!(verdict.holds(), "{verdict}");
}

/// A job that can never be done stays, for the dead-letter queue, and blocks nobody who shares its batch.
#[test]
fn a_poisoned_record_blocks_nobody() {
    let mut start = online();
    start.enqueue(told(&start, 1));
    start.enqueue(poison());
    start.enqueue(told(&start, 2));
    let scenario = scenario((1, 1), start, &["worker"]).holding([("BAD-1: it is never lost", poison_stays as _)]);
    let verdict = check("a poisoned record", scenario.reaching([TOGETHER, QUEUED_AGAIN, HINTED]), 3_000);
    assert!(verdict.holds(), "{verdict}");
}

/// A device went without a word. Its route is swept, and everybody else is told.
#[test]
fn a_connection_that_is_gone_is_swept_and_the_others_are_told() {
    let mut start = online();
    start.routes.claim(&old(route(BOB, "tablet", "Bob's tablet", 0)));
    start.enqueue(told(&start, 1));
    start.enqueue(told(&start, 2));
    let scenario = scenario((1, 1), start, &["worker", "other worker"]).reaching([SWEPT, QUEUED_AGAIN, REDELIVERED]);
    let verdict = check("a connection gone", scenario, 25_000);
    assert!(verdict.holds(), "{verdict}");
}
