//! The log: one order, each message once, whatever becomes of the attempts to send it.

use tidings_domain::limits::CLOCK_SKEW_MS;
use tidings_domain::log::{Body, BodyHash, Draft};
use tidings_domain::send;
use tidings_models::cast::{ANN, BOB, NOW, draft, draft_at, ours, request};
use tidings_models::{Call, Job, Scenario, State, Task, check, laws};

/// Both inboxes are open and nobody is online, so all but the log stands still.
fn scenario(faults_and_deaths: (u8, u8), jobs: Vec<Job>) -> Scenario {
    let mut start = State::default();
    start.inboxes.open(ANN, ours());
    start.inboxes.open(BOB, ours());
    Scenario::new(faults_and_deaths, start, jobs)
        .still(|call| !matches!(call, Call::Send(send::Call::ReadLog(_) | send::Call::Put(_))))
        .holding(laws::OF_THE_LOG)
}

fn ann_sends(name: &'static str, after: Option<u64>, drafts: Vec<Draft>) -> Job {
    Job::new(name, Task::Send(request(ANN, after, drafts)))
}

fn bob_says(name: &'static str, number: u8) -> Job {
    Job::new(name, Task::Append(BOB, draft(number)))
}

/// The client gives up on an attempt and sends the same again, twice; they run at the same time and in any order.
#[test]
fn a_message_sent_three_times_is_in_the_log_once() {
    let attempts = ["first attempt", "second attempt", "third attempt"];
    let mut jobs: Vec<_> = attempts.map(|name| ann_sends(name, Some(0), vec![draft(1)])).into();
    jobs.extend([bob_says("Bob", 8), bob_says("Bob again", 9)]);
    let scenario = scenario((2, 2), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::DEAD_WRITER]);
    let verdict = check("three attempts, two others", scenario, 200_000);
    assert!(verdict.holds(), "{verdict}");
}

/// A write that the SDK repeats, one that the function believes failed, one that is late: two of them at once.
#[test]
fn writes_that_come_late_or_twice_append_nothing_twice() {
    let jobs = vec![
        ann_sends("first attempt", Some(0), vec![draft(1)]),
        ann_sends("second attempt, much later", Some(0), vec![draft(1)]).at(NOW.plus_millis(15_000)),
        bob_says("Bob", 8),
        bob_says("Bob again", 9),
    ];
    let scenario = scenario((4, 2), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::DEAD_WRITER]);
    let verdict = check("two attempts, four faults", scenario, 40_000);
    assert!(verdict.holds(), "{verdict}");
}

/// What queues up behind a message is one frame, in its order; the next frame waits until the first is answered, but
/// not until its late attempts are over.
#[test]
fn a_batch_keeps_its_order_and_the_next_frame_comes_after_it() {
    let answered = |state: &State| state.sent(0).chain(state.sent(1)).any(|(draft, _)| draft == 1);
    let jobs = vec![
        ann_sends("first attempt", Some(0), vec![draft(1), draft(2)]),
        ann_sends("second attempt", Some(0), vec![draft(1), draft(2)]),
        ann_sends("next frame", Some(2), vec![draft(3)]).when(answered),
        bob_says("Bob", 8),
    ];
    let scenario = scenario((2, 2), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::DEAD_WRITER]);
    let verdict = check("a batch and the next frame", scenario, 25_000);
    assert!(verdict.holds(), "{verdict}");
}

/// Without `after` the search goes back to the client id's time. The client's clock is as far ahead as it may be; the
/// functions' clocks differ, so the second attempt appends by an earlier clock than Bob's.
#[test]
fn a_search_by_time_finds_an_attempt_that_a_slower_clock_stored() {
    let ahead = draft_at(1, NOW.plus_millis(CLOCK_SKEW_MS));
    let jobs = vec![
        ann_sends("first attempt", None, vec![ahead.clone()]),
        ann_sends("second attempt, a faster clock", None, vec![ahead]).at(NOW.plus_millis(30_000)),
        bob_says("Bob", 8),
        bob_says("Bob, by a faster clock", 9).at(NOW.plus_millis(40_000)),
    ];
    let scenario = scenario((3, 2), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::DEAD_WRITER]);
    let verdict = check("attempts without after", scenario, 20_000);
    assert!(verdict.holds(), "{verdict}");
}

/// After `behind` the client has seen what lies between, raises `after` past it, and sends again; the first attempt is
/// still on its way.
#[test]
fn after_may_be_raised_past_what_the_client_has_seen() {
    // The client has seen two entries, and neither is the message.
    let seen = |state: &State| {
        let log = state.log(ours());
        log.len() >= 2 && log.iter().take(2).all(|entry| entry.sender == BOB)
    };
    let jobs = vec![
        ann_sends("first attempt", Some(0), vec![draft(1)]),
        ann_sends("second attempt, from 2 on", Some(2), vec![draft(1)]).when(seen),
        bob_says("Bob", 7),
        bob_says("Bob again", 8),
        bob_says("Bob once more", 9),
    ];
    let scenario = scenario((2, 1), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::DEAD_WRITER]);
    let verdict = check("after is raised", scenario, 20_000);
    assert!(verdict.holds(), "{verdict}");
}

/// One client id, two bodies: whichever is first stays, and the other one is told.
#[test]
fn a_client_id_that_comes_back_with_another_body_is_refused() {
    let other = Draft { body: Body { json: String::new(), hash: BodyHash::new([7; 32]) }, ..draft(1) };
    let jobs = vec![
        ann_sends("one body", Some(0), vec![draft(1)]),
        ann_sends("another body", Some(0), vec![other]),
        ann_sends("one body again", Some(0), vec![draft(1)]),
        bob_says("Bob", 8),
    ];
    let scenario = scenario((2, 2), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::CONFLICT]);
    let verdict = check("two bodies of one client id", scenario, 15_000);
    assert!(verdict.holds(), "{verdict}");
}

/// Both write, and both are in every answer's place: the loser of a race looks at the winner and takes the next place.
#[test]
fn two_people_who_write_at_once_get_a_place_each() {
    let bob_sends = |name| Job::new(name, Task::Send(request(BOB, Some(0), vec![draft(1)])));
    let jobs = vec![
        ann_sends("Ann", Some(0), vec![draft(1)]),
        ann_sends("Ann's second attempt", Some(0), vec![draft(1)]),
        bob_sends("Bob"),
        bob_sends("Bob's second attempt"),
    ];
    let scenario = scenario((2, 2), jobs).reaching([laws::DUPLICATE, laws::LOST_PLACE, laws::DEAD_WRITER]);
    let verdict = check("two senders, two attempts each", scenario, 80_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The checker sees what it is meant to see: with an append that asks nobody, a message is there twice.
#[test]
fn a_world_that_doubles_a_message_is_found_out() {
    let blind = |name| Job::new(name, Task::Append(ANN, draft(1)));
    let mut jobs = vec![blind("one"), blind("two")];
    jobs.push(ann_sends("an attempt", Some(0), vec![draft(1)]));
    let verdict = check("a message doubled on purpose", scenario((0, 0), jobs), 1);
    assert!(verdict.to_string().contains("broken: IDEM-1: a message is in the log once"), "{verdict}");
}
