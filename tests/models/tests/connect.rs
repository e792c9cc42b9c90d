//! Routes: a ticket works once, the later ticket has the device, and who lost it is told.

use tidings_domain::connect::{self, Answer as Connected};
use tidings_domain::ids::ConnectionId;
use tidings_domain::route::Route;
use tidings_domain::sync;
use tidings_models::cast::{BOB, route, sync_of};
use tidings_models::{Answer, Call, Job, Law, Phase, Run, Scenario, State, Task, check};

/// Bob's phone at this connection, with the ticket of this number.
fn phone(connection: &str, ticket: u64) -> Route {
    route(BOB, "phone", connection, ticket)
}

fn connects(name: &'static str, connection: &str, ticket: u64) -> Job {
    Job::new(name, Task::Connect(phone(connection, ticket)))
}

fn syncs(name: &'static str, connection: &str, ticket: u64) -> Job {
    Job::new(name, Task::Sync(sync_of(BOB, Some(phone(connection, ticket)))))
}

fn was_up(state: &State, connection: &str) -> bool {
    state.sockets.contains_key(&ConnectionId::new(connection))
}

fn scenario(faults_and_deaths: (u8, u8), jobs: Vec<Job>) -> Scenario {
    Scenario::new(faults_and_deaths, State::default(), jobs).holding([
        ("a ticket works once", a_ticket_works_once),
        ("the latest ticket has the device", the_latest_has_the_device),
        ("MEET-1: who syncs is reached, or is told that another connection is", who_syncs_is_reached),
    ] as [Law; 3])
}

/// The connections that were accepted.
fn accepted<'a>(scenario: &'a Scenario, state: &'a State) -> impl Iterator<Item = &'a Route> {
    (0..scenario.jobs.len()).filter_map(|job| scenario.accepted(state, job))
}

fn a_ticket_works_once(scenario: &Scenario, state: &State) -> bool {
    accepted(scenario, state).all(|one| {
        accepted(scenario, state).all(|other| one.connection == other.connection || one.ticket_at != other.ticket_at)
    })
}

/// Whether something may have taken the route away from this connection: its own end, a Gone, or a later ticket.
fn may_be_gone(scenario: &Scenario, route: &Route) -> bool {
    scenario.jobs.iter().any(|job| match &job.task {
        Task::Connect(other) => other.ticket_at > route.ticket_at,
        Task::Disconnect(other) | Task::Sweep(other) => other.connection == route.connection,
        _ => false,
    })
}

/// Whatever the others do late, claims, releases, syncs: nobody takes the device from the latest ticket.
fn the_latest_has_the_device(scenario: &Scenario, state: &State) -> bool {
    accepted(scenario, state).filter(|route| !may_be_gone(scenario, route)).all(|latest| {
        state.routes.get(latest.user, &latest.device).is_some_and(|has| has.connection == latest.connection)
    })
}

/// A sync over a socket that is up leaves its route in the table, or tells that a later ticket has the device: nobody
/// stays deaf who syncs.
fn who_syncs_is_reached(scenario: &Scenario, state: &State) -> bool {
    accepted(scenario, state).filter(|route| state.is_open(&route.connection)).all(|own| {
        let (answer, after) = Scenario::sync_now(state, sync_of(BOB, Some(own.clone())));
        match answer {
            sync::Answer::Page(_) => {
                after.routes.get(own.user, &own.device).is_some_and(|has| has.connection == own.connection)
            }
            sync::Answer::Replaced => state.routes.ticket_at(own.user, &own.device) > Some(own.ticket_at),
            sync::Answer::Unavailable => false,
        }
    })
}

const REPLACED: Law = ("a sync is told that its device is elsewhere", |_, state| {
    state.runs.iter().any(|run| run.phase == Phase::Done(Answer::Sync(sync::Answer::Replaced)))
});
const CLOSED: Law = ("the winner closes the loser's socket", |_, state| {
    let closes = |run: &Run| matches!(&run.phase, Phase::Waiting(_, Call::Connect(connect::Call::Close(loser))) if state.is_open(loser));
    state.runs.iter().any(closes)
});
const REFUSED: Law = ("a connection is refused", |_, state| {
    state.runs.iter().any(|run| run.phase == Phase::Done(Answer::Connect(Connected::Refused)))
});
const RESTORED: Law = ("a sync writes its route again", |_, state| {
    let writes = |run: &Run| matches!(run.phase, Phase::Waiting(_, Call::Sync(sync::Call::Restore(_))));
    let has = state.routes.get(BOB, &phone("c1", 1).device);
    has.is_none() && state.runs.iter().any(writes)
});

/// The phone gives up on a connection and opens another one, with a later ticket.
#[test]
fn the_later_ticket_has_the_device() {
    let jobs = vec![
        connects("first connection", "c1", 1),
        connects("second connection", "c2", 2),
        syncs("first sync", "c1", 1).when(|state| was_up(state, "c1")),
        syncs("second sync", "c2", 2).when(|state| was_up(state, "c2")),
        Job::new("first disconnect", Task::Disconnect(phone("c1", 1))).when(|state| was_up(state, "c1")),
    ];
    let verdict = check("two tickets", scenario((4, 3), jobs).reaching([REPLACED, CLOSED, REFUSED]), 2_000);
    assert!(verdict.holds(), "{verdict}");
}

/// Somebody has caught a ticket and uses it, too: before, meanwhile, or after the connection is over.
#[test]
fn a_ticket_that_is_used_twice_works_once() {
    let jobs = vec![
        connects("the connection", "c1", 1),
        connects("the thief", "x1", 1),
        syncs("sync", "c1", 1).when(|state| was_up(state, "c1")),
        syncs("the thief's sync", "x1", 1).when(|state| was_up(state, "x1")),
        Job::new("disconnect", Task::Disconnect(phone("c1", 1))).when(|state| was_up(state, "c1")),
    ];
    let verdict = check("a ticket used twice", scenario((4, 3), jobs).reaching([REFUSED]), 1_200);
    assert!(verdict.holds(), "{verdict}");
}

/// A Gone was believed although the socket is up: its next sync writes the route again, unless the device has
/// connected with a later ticket meanwhile.
#[test]
fn a_sync_mends_a_route_that_was_swept_in_error() {
    let jobs = vec![
        connects("the connection", "c1", 1),
        Job::new("a sweep in error", Task::Sweep(phone("c1", 1))).when(|state| was_up(state, "c1")),
        syncs("sync", "c1", 1).when(|state| was_up(state, "c1")),
        syncs("next sync", "c1", 1).when(|state| was_up(state, "c1")),
        connects("the next connection", "c2", 2),
    ];
    let verdict = check("a sweep in error", scenario((3, 2), jobs).reaching([RESTORED, REPLACED, CLOSED]), 9_000);
    assert!(verdict.holds(), "{verdict}");
}

/// Three tickets of one device in a row, all under way at once.
#[test]
fn of_three_tickets_the_last_has_the_device() {
    let jobs = vec![
        connects("first connection", "c1", 1),
        connects("second connection", "c2", 2),
        connects("third connection", "c3", 3),
        syncs("first sync", "c1", 1).when(|state| was_up(state, "c1")),
        syncs("third sync", "c3", 3).when(|state| was_up(state, "c3")),
    ];
    let verdict = check("three tickets", scenario((3, 2), jobs).reaching([REPLACED, CLOSED, REFUSED]), 20_000);
    assert!(verdict.holds(), "{verdict}");
}
