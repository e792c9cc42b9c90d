//! ACK-1: whatever was acknowledged is in every sync that begins later, while inboxes are opened and settled.

use tidings_domain::limits::SETTLE_AFTER_MS;
use tidings_domain::log::{Entry, Head, Seq};
use tidings_domain::send;
use tidings_domain::time::Timestamp;
use tidings_models::cast::{ANN, BOB, NOW, draft, ours, request, sync_of};
use tidings_models::{Call, Job, Law, Scenario, State, Task, check, laws};

/// When a conversation in which nobody spoke after [`NOW`] is quiet. The clocks of those who sync say so throughout:
/// a settler may be as early as it likes.
const QUIET: Timestamp = NOW.plus_millis(SETTLE_AFTER_MS);

/// Nobody is online, everybody has an account: whether one may write and who is reached stand still.
fn scenario(faults_and_deaths: (u8, u8), start: State, jobs: Vec<Job>) -> Scenario {
    let still = |call: &Call| {
        matches!(
            call,
            Call::Send(
                send::Call::ReadPermission(_)
                    | send::Call::ReadAccount(_)
                    | send::Call::Introduce(_)
                    | send::Call::Deliver(_)
            )
        )
    };
    Scenario::new(faults_and_deaths, start, jobs)
        .still(still)
        .holding(laws::OF_THE_LOG)
        .holding([laws::VISIBLE, laws::TRUE_HEADS])
}

/// A conversation with one message, whose inbox entries are open.
fn open() -> State {
    let mut start = State::default();
    start.logs.put(ours(), &draft(0).follow(None, ours(), ANN, NOW));
    start.inboxes.open(ANN, ours());
    start.inboxes.open(BOB, ours());
    start
}

/// The same, settled.
fn settled() -> State {
    let mut start = open();
    let head = start.logs.entry(ours(), Seq::FIRST).map(Entry::head);
    for user in [ANN, BOB] {
        start.inboxes.mark(user, ours(), 1);
        start.inboxes.settle(user, ours(), 2, head.unwrap_or(Head::none(ours())));
    }
    start
}

fn ann_sends(name: &'static str) -> Job {
    Job::new(name, Task::Send(request(ANN, Some(0), vec![draft(1)])))
}

/// A sync of Bob's, and the settler that it starts.
fn settler(names: [&'static str; 2], sync: usize) -> [Job; 2] {
    let [sync_name, settler_name] = names;
    [
        Job::new(sync_name, Task::Sync(sync_of(BOB, None))).at(QUIET),
        Job::new(settler_name, Task::Settle(sync)).at(QUIET),
    ]
}

/// Bob's inbox entry is open, so the first attempt need not open it; the settler may be anywhere.
#[test]
fn two_attempts_and_a_settler_lose_nothing() {
    let mut jobs = vec![ann_sends("first attempt"), ann_sends("second attempt")];
    jobs.extend(settler(["sync", "settler"], 2));
    let scenario = scenario((2, 2), open(), jobs).reaching([
        laws::DUPLICATE,
        laws::DEAD_WRITER,
        laws::SETTLED,
        laws::LATE_SETTLER,
    ]);
    let verdict = check("two attempts, one settler", scenario, 90_000);
    assert!(verdict.holds(), "{verdict}");
}

/// One settler dies after its mark, or is slow; another one takes over; the message is appended anywhere in between.
#[test]
fn two_settlers_lose_nothing() {
    let mut jobs = vec![ann_sends("the message")];
    jobs.extend(settler(["sync", "settler"], 1));
    jobs.extend(settler(["other sync", "other settler"], 3));
    let scenario = scenario((1, 2), open(), jobs).reaching([laws::SETTLED, laws::LATE_SETTLER, laws::TAKEN_OVER]);
    let verdict = check("one attempt, two settlers", scenario, 30_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The entries are missing. The first attempt dies before it has created them: a duplicate is acknowledged, and it
/// is visible nevertheless.
#[test]
fn a_first_message_is_visible_although_its_writer_died() {
    let mut jobs = vec![ann_sends("first attempt"), ann_sends("second attempt")];
    jobs.extend(settler(["sync", "settler"], 2));
    let scenario = scenario((2, 2), State::default(), jobs).reaching([laws::DUPLICATE, laws::DEAD_WRITER]);
    let verdict = check("first contact", scenario, 40_000);
    assert!(verdict.holds(), "{verdict}");
}

/// The conversation was quiet and is settled: whoever answers has opened it, duplicate or not.
#[test]
fn a_quiet_conversation_is_opened_before_every_acknowledgement() {
    let mut jobs = vec![ann_sends("first attempt"), ann_sends("second attempt")];
    jobs.extend(settler(["sync", "settler"], 2));
    let scenario = scenario((2, 2), settled(), jobs).reaching([laws::DUPLICATE, laws::DEAD_WRITER, laws::SETTLED]);
    let verdict = check("a settled conversation", scenario, 40_000);
    assert!(verdict.holds(), "{verdict}");
}

/// Both write at once, into a conversation that somebody is settling.
#[test]
fn two_people_who_write_at_once_are_both_visible() {
    let bob_sends = Job::new("Bob", Task::Send(request(BOB, Some(0), vec![draft(1)])));
    let mut jobs = vec![ann_sends("Ann"), bob_sends];
    jobs.extend(settler(["sync", "settler"], 2));
    let scenario = scenario((1, 2), open(), jobs).reaching([laws::LOST_PLACE, laws::SETTLED, laws::LATE_SETTLER]);
    let verdict = check("two senders, one settler", scenario, 30_000);
    assert!(verdict.holds(), "{verdict}");
}

/// A function that ran out of time leaves a task. The task may come twice; it appends nothing, and once it is done the
/// message is visible although nobody ever sent it again.
#[test]
fn a_task_makes_visible_what_a_sender_out_of_time_left() {
    let mut jobs = vec![
        ann_sends("the attempt"),
        Job::new("the task", Task::Finish(0)),
        Job::new("the task again", Task::Finish(0)),
    ];
    jobs.extend(settler(["sync", "settler"], 3));
    let finished: Law = ("a task is finished", |_, state| state.sent(1).next().is_some());
    let scenario = scenario((3, 1), settled(), jobs).reaching([laws::DUPLICATE, laws::SETTLED, finished]);
    let verdict = check("tasks", scenario, 40_000);
    assert!(verdict.holds(), "{verdict}");
}
