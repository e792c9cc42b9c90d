//! MONO-1: read positions from two devices only move forward, and take their counters from the log.

use tidings_domain::limits::SETTLE_AFTER_MS;
use tidings_domain::log::Seq;
use tidings_domain::read::{self, Refusal};
use tidings_models::cast::{ANN, BOB, NOW, draft, ours, sync_of};
use tidings_models::{Answer, Call, Job, Law, Phase, Scenario, State, Task, check};

/// A log of three messages of Ann's, in a conversation that Bob has not opened yet; nobody is online.
fn scenario(faults_and_deaths: (u8, u8), jobs: Vec<Job>) -> Scenario {
    let mut start = State::default();
    for number in 0..3 {
        let entry = draft(number).follow(start.logs.of(ours()).next_back(), ours(), ANN, NOW);
        start.logs.put(ours(), &entry);
    }
    Scenario::new(faults_and_deaths, start, jobs)
        .still(|call| matches!(call, Call::Read(read::Call::Deliver(_))))
        .holding([
            ("MONO-1: a position never falls behind an answer", never_back),
            ("MONO-1: a position has the counters of its entry", counters_are_the_entrys),
            ("BAD-1: what is not in the log cannot be read", nothing_beyond_the_log),
        ] as [Law; 3])
}

/// What was answered, with what was asked.
fn answers<'a>(scenario: &'a Scenario, state: &'a State) -> impl Iterator<Item = (Seq, Result<Seq, Refusal>)> {
    scenario.jobs.iter().zip(&state.runs).filter_map(|(job, run)| match (&job.task, &run.phase) {
        (Task::Read(request), Phase::Done(Answer::Read(answer))) => Some((request.seq, *answer)),
        _ => None,
    })
}

fn position(state: &State) -> Seq {
    state.inboxes.entry(BOB, ours()).map_or(Seq::NONE, |entry| entry.read.seq)
}

fn never_back(scenario: &Scenario, state: &State) -> bool {
    answers(scenario, state)
        .filter_map(|(asked, answer)| Some((asked, answer.ok()?)))
        .all(|(asked, stands)| asked <= stands && stands <= position(state))
}

fn counters_are_the_entrys(_: &Scenario, state: &State) -> bool {
    state.inboxes.entry(BOB, ours()).filter(|entry| entry.read.seq > Seq::NONE).is_none_or(|entry| {
        state.logs.entry(ours(), entry.read.seq).is_some_and(|read| read.counts == entry.read.counts)
    })
}

fn nothing_beyond_the_log(scenario: &Scenario, state: &State) -> bool {
    let in_log = |seq| state.logs.entry(ours(), seq).is_some();
    answers(scenario, state).all(|(asked, answer)| answer.is_err() || in_log(asked))
}

fn reads(name: &'static str, seq: u64) -> Job {
    let seq = Seq::new(seq);
    Job::new(name, Task::Read(read::Request { conversation: ours(), user: BOB, connection: None, seq }))
}

const OVERTAKEN: Law = ("a device learns that another one has read further", |scenario, state| {
    answers(scenario, state).any(|(asked, answer)| answer.is_ok_and(|stands| stands > asked))
});
const REFUSED: Law = ("a position beyond the log is refused", |scenario, state| {
    answers(scenario, state).any(|(_, answer)| answer == Err(Refusal::NoSuchEntry))
});

/// Two devices, one of which repeats itself, while Ann goes on writing and a sync settles the entry.
#[test]
fn positions_of_two_devices_only_move_forward() {
    let quiet = NOW.plus_millis(SETTLE_AFTER_MS);
    let jobs = vec![
        reads("phone", 2),
        reads("phone, again", 2),
        reads("laptop", 3),
        reads("laptop, too far", 9),
        Job::new("Ann", Task::Append(ANN, draft(7))),
        Job::new("sync", Task::Sync(sync_of(BOB, None))).at(quiet),
        Job::new("settler", Task::Settle(5)).at(quiet),
    ];
    let verdict = check("two devices read", scenario((2, 1), jobs).reaching([OVERTAKEN, REFUSED]), 50_000);
    assert!(verdict.holds(), "{verdict}");
}
