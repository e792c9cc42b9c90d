//! MEET-1: a message and a device coming online cannot miss each other.

use tidings_domain::ids::ConnectionId;
use tidings_domain::limits::SETTLE_AFTER_MS;
use tidings_domain::log::{Entry, Head, Seq};
use tidings_domain::route::Route;
use tidings_domain::{posting, send, sync};
use tidings_models::cast::{ANN, BOB, NOW, draft, old, ours, request, route, sync_of};
use tidings_models::{Answer, Call, Job, Law, Phase, Run, Scenario, Socket, State, Task, check, laws};

/// Bob's phone at this connection, with the ticket of this number.
fn phone(connection: &str, ticket: u64) -> Route {
    route(BOB, "phone", connection, ticket)
}

/// A quiet conversation: both inbox entries are settled, so that it matters when they are opened.
fn quiet() -> State {
    let mut start = State::default();
    start.logs.put(ours(), &draft(0).follow(None, ours(), ANN, NOW));
    let head = start.logs.entry(ours(), Seq::FIRST).map_or(Head::none(ours()), Entry::head);
    for user in [ANN, BOB] {
        start.inboxes.open(user, ours());
        start.inboxes.mark(user, ours(), 1);
        start.inboxes.settle(user, ours(), 2, head);
    }
    start
}

/// Whether one may write stands still.
const fn is_about_leave(call: &Call) -> bool {
    matches!(call, Call::Send(send::Call::ReadPermission(_) | send::Call::ReadAccount(_) | send::Call::Introduce(_)))
}

fn scenario(faults_and_deaths: (u8, u8), start: State, jobs: Vec<Job>) -> Scenario {
    Scenario::new(faults_and_deaths, start, jobs).still(is_about_leave).holding([
        ("MEET-1: an acknowledged message is pushed, synced, or shown by a later push", nothing_missed),
        ("MEET-1: a device that is up and has synced has a route", nobody_is_deaf),
        laws::VISIBLE,
    ] as [Law; 3])
}

/// The sockets that are up and have synced, with the head that the sync brought. A connection that is followed by one
/// with a later ticket is not the device's any more.
fn synced<'a>(scenario: &'a Scenario, state: &'a State) -> impl Iterator<Item = (&'a Route, &'a Socket, Seq)> {
    let later = |own: &Route| {
        scenario.jobs.iter().any(|job| matches!(&job.task, Task::Connect(other) if other.ticket_at > own.ticket_at))
    };
    scenario.jobs.iter().zip(&state.runs).filter_map(move |(job, run)| match (&job.task, &run.phase) {
        (Task::Sync(request), Phase::Done(Answer::Sync(sync::Answer::Page(page)))) => {
            let own = request.route.as_ref().filter(|own| !later(own))?;
            let socket = state.sockets.get(&own.connection).filter(|socket| socket.open)?;
            let head = page.conversations.iter().map(|conversation| conversation.head.seq).max();
            Some((own, socket, head.unwrap_or(Seq::NONE)))
        }
        _ => None,
    })
}

/// Checked when everybody has come to rest. A sender that ran out of time may have let go of a push; who did not is
/// answerable for it.
fn nothing_missed(scenario: &Scenario, state: &State) -> bool {
    if !state.is_quiet() {
        return true;
    }
    synced(scenario, state).all(|(_, socket, head)| {
        let last = socket.pushed.last().copied().unwrap_or(Seq::NONE);
        // A push above shows the gap, and the client pulls.
        let shown = head.max(last).max(socket.hinted);
        state.acknowledged().filter(|(job, ..)| !state.runs[*job].overdue).all(|(_, _, sent)| sent.seq <= shown)
    })
}

fn nobody_is_deaf(scenario: &Scenario, state: &State) -> bool {
    synced(scenario, state)
        .all(|(own, ..)| state.routes.get(own.user, &own.device).is_some_and(|has| has.connection == own.connection))
}

const PUSHED: Law = ("a message is pushed", |_, state| state.sockets.values().any(|socket| !socket.pushed.is_empty()));
const SYNCED: Law = ("a message is in the sync alone", |scenario, state| {
    let found = synced(scenario, state).any(|(_, socket, head)| head > Seq::FIRST && socket.pushed.is_empty());
    found && state.is_quiet() && state.acknowledged().next().is_some()
});
const GONE: Law = ("a post finds a socket that is not up yet", |_, state| {
    let to = ConnectionId::new("c1");
    let posts = |run: &Run| {
        matches!(&run.phase, Phase::Waiting(_, Call::Posting(posting::Call::Post(parcels)))
        if parcels.iter().any(|parcel| parcel.route.connection == to))
    };
    !state.sockets.contains_key(&to) && state.runs.iter().any(posts)
});
const SWEPT: Law = ("the route of a connection that is gone is swept", |_, state| {
    let sweeps = |run: &Run| matches!(run.phase, Phase::Waiting(_, Call::Posting(posting::Call::Release(_))));
    state.runs.iter().any(sweeps)
});

/// Bob's phone comes online and syncs.
fn connects() -> [Job; 2] {
    let up = |state: &State| state.sockets.contains_key(&ConnectionId::new("c1"));
    [
        Job::new("$connect", Task::Connect(phone("c1", 1))),
        Job::new("sync", Task::Sync(sync_of(BOB, Some(phone("c1", 1))))).when(up),
    ]
}

/// Ann sends two messages, the second one when the first is over.
fn messages() -> [Job; 2] {
    let message = |number| Task::Send(request(ANN, Some(1), vec![draft(number)]));
    [Job::new("first message", message(1)), Job::new("second message", message(2)).when(|state| state.is_over(0))]
}

fn worker() -> Job {
    Job::new("worker", Task::Work)
}

/// Ann's messages meet Bob's phone anywhere on its way up, and what could not be posted is tried again.
#[test]
fn messages_and_a_device_that_comes_online_do_not_miss_each_other() {
    let jobs = messages().into_iter().chain(connects()).chain([worker()]).collect();
    let verdict = check("coming online", scenario((2, 1), quiet(), jobs).reaching([PUSHED, SYNCED, GONE]), 100_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The first attempt dies anywhere, the second one answers: a duplicate is delivered, too.
#[test]
fn a_duplicate_and_a_device_that_comes_online_do_not_miss_each_other() {
    let attempt = |name| Job::new(name, Task::Send(request(ANN, Some(1), vec![draft(1)])));
    let jobs = [attempt("first attempt"), attempt("second attempt")].into_iter().chain(connects()).collect();
    let scenario = scenario((1, 2), quiet(), jobs).reaching([PUSHED, SYNCED, GONE, laws::DUPLICATE]);
    let verdict = check("two attempts", scenario, 25_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The same with too many connections to post to while Ann waits: the queue's worker reads the routes.
#[test]
fn a_queued_delivery_and_a_device_that_comes_online_do_not_miss_each_other() {
    let jobs = messages().into_iter().chain(connects()).chain([worker()]).collect();
    let scenario = scenario((1, 1), quiet(), jobs).reaching([PUSHED, SYNCED]);
    let verdict = check("coming online, queued", Scenario { inline_max: 0, ..scenario }, 40_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The phone's old connection is gone without a word. Its route is swept at the first Gone, while the phone comes
/// back: the sweep must not take the new route.
#[test]
fn the_sweep_of_an_old_connection_leaves_the_new_one_alone() {
    let mut start = quiet();
    start.routes.claim(&old(phone("c0", 0)));
    let jobs = messages().into_iter().chain(connects()).chain([worker()]).collect();
    let verdict = check("coming back", scenario((1, 1), start, jobs).reaching([PUSHED, SYNCED, GONE, SWEPT]), 14_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The route of a connection that is up was swept in error: its next sync writes it again, before it reads.
#[test]
fn messages_and_a_sync_that_mends_its_route_do_not_miss_each_other() {
    let mut start = quiet();
    let own = phone("c1", 1);
    start.routes.claim(&own);
    start.routes.release(BOB, &own.device, &own.connection);
    start.sockets.insert(own.connection.clone(), Socket::up());
    let sync = Job::new("sync", Task::Sync(sync_of(BOB, Some(own))));
    let jobs = messages().into_iter().chain([sync, worker()]).collect();
    let verdict = check("a swept route", scenario((1, 2), start, jobs).reaching([PUSHED, SYNCED]), 9_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The conversation was left open and is quiet: the first sync settles it while the messages come.
#[test]
fn a_sync_that_settles_and_messages_do_not_miss_each_other() {
    let mut start = quiet();
    start.inboxes.open(ANN, ours());
    start.inboxes.open(BOB, ours());
    let [connect, sync] = connects();
    let quiet = NOW.plus_millis(SETTLE_AFTER_MS);
    let settler = Job::new("settler", Task::Settle(3)).at(quiet);
    let jobs = messages().into_iter().chain([connect, sync.at(quiet), settler]).collect();
    let scenario = scenario((1, 1), start, jobs).reaching([PUSHED, SYNCED, laws::SETTLED, laws::LATE_SETTLER]);
    let verdict = check("coming online and settling", scenario, 15_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The phone opens a second connection while the first is up: the messages reach the one that has the device.
#[test]
fn messages_follow_a_device_to_its_next_connection() {
    let up = |state: &State| state.sockets.contains_key(&ConnectionId::new("c2"));
    let mut jobs: Vec<_> = messages().into_iter().chain(connects()).collect();
    jobs.extend([
        Job::new("$connect again", Task::Connect(phone("c2", 2))),
        Job::new("sync again", Task::Sync(sync_of(BOB, Some(phone("c2", 2))))).when(up),
        Job::new("disconnect", Task::Disconnect(phone("c1", 1))).when(up),
    ]);
    let verdict =
        check("another connection", scenario((1, 1), quiet(), jobs).reaching([PUSHED, SYNCED, GONE]), 150_000);
    assert!(verdict.holds(), "{verdict}");
}
