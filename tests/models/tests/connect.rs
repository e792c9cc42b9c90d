//! Routes: a ticket works once, the later ticket has the device, and who lost it is told.

use stateright::Property;
use tidings_domain::connect::Answer as Connected;
use tidings_domain::ids::ConnectionId;
use tidings_domain::route::Route;
use tidings_domain::sync;
use tidings_models::cast::{BOB, route, sync_of};
use tidings_models::laws::Case;
use tidings_models::{Answer, Job, Phase, Scenario, State, Task, check};

/// Bob's phone at this connection, with the ticket of this number.
fn phone(connection: &str, ticket: u64) -> Route {
    route(BOB, "phone", connection, ticket)
}

fn connects(name: &'static str, connection: &str, ticket: u64) -> Job {
    Job::new(name, Task::Connect(phone(connection, ticket)))
}

fn scenario((faults, deaths): (u8, u8), jobs: Vec<Job>, cases: &[Case]) -> Scenario {
    let mut properties = vec![
        Property::always("a ticket works once", a_ticket_works_once),
        Property::always("the latest ticket that was accepted has the device", the_latest_has_the_device),
        Property::always("MEET-1: who syncs has the device, or is told that it has not", who_syncs_has_the_device),
    ];
    properties.extend(cases.iter().map(|(name, case)| Property::sometimes(name, *case)));
    Scenario { start: State { faults, deaths, ..State::default() }, jobs, still: |_| false, properties }
}

/// The connections that were accepted.
fn accepted<'a>(scenario: &'a Scenario, state: &'a State) -> impl Iterator<Item = &'a Route> {
    scenario.jobs.iter().zip(&state.runs).filter_map(|(job, run)| match (&job.task, &run.phase) {
        (Task::Connect(route), Phase::Done(Answer::Connect(Connected::Accepted))) => Some(route),
        _ => None,
    })
}

fn a_ticket_works_once(scenario: &Scenario, state: &State) -> bool {
    accepted(scenario, state).all(|one| {
        accepted(scenario, state).all(|other| one.connection == other.connection || one.ticket_at != other.ticket_at)
    })
}

/// Whether the gateway has said that the connection is over.
fn is_over(scenario: &Scenario, state: &State, connection: &ConnectionId) -> bool {
    scenario.jobs.iter().zip(&state.runs).any(|(job, run)| {
        matches!(&job.task, Task::Disconnect(route) if route.connection == *connection) && run.phase == Phase::Dead
    })
}

/// Late claims, releases and syncs of the others change nothing about it, unless a later ticket comes.
fn the_latest_has_the_device(scenario: &Scenario, state: &State) -> bool {
    let Some(latest) = accepted(scenario, state).max_by_key(|route| route.ticket_at) else { return true };
    let has = state.routes.get(latest.user, &latest.device);
    is_over(scenario, state, &latest.connection)
        || has.is_some_and(|has| has.connection == latest.connection || has.ticket_at > latest.ticket_at)
        // A connect with a later ticket that was given up has taken the device and let it go.
        || has.is_none() && a_later_one_failed(scenario, state, latest)
}

fn a_later_one_failed(scenario: &Scenario, state: &State, than: &Route) -> bool {
    scenario.jobs.iter().zip(&state.runs).any(|(job, run)| {
        matches!(&job.task, Task::Connect(route) if route.ticket_at > than.ticket_at)
            && !matches!(run.phase, Phase::Done(Answer::Connect(Connected::Accepted)))
    })
}

/// A sync over a socket that is up leaves its route in the table, or ends with the news that it was replaced. So
/// nobody stays deaf who syncs.
fn who_syncs_has_the_device(scenario: &Scenario, state: &State) -> bool {
    accepted(scenario, state).filter(|route| state.is_open(&route.connection)).all(|own| {
        let latest = state.routes.get(own.user, &own.device).is_none_or(|has| has.ticket_at <= own.ticket_at);
        match scenario.sync_now(state, sync_of(BOB, Some(own.clone()))) {
            sync::Answer::Page(_) => latest,
            sync::Answer::Replaced => true,
            sync::Answer::Unavailable => false,
        }
    })
}

fn placeholder() {}
