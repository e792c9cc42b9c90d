//! What holds in every world.

use tidings_domain::inbox::HeadState;
use tidings_domain::log::{Counts, Entry, Head, Kind, Seq};
use tidings_domain::membership::people;
use tidings_domain::{send, settle, sync};

use crate::cast::{BOB, ours, sync_of};
use crate::machine::{Answer, Call};
use crate::scenario::{Law, Scenario, Task};
use crate::state::{Phase, Run, State};

/// The laws of a log that is appended to.
pub const OF_THE_LOG: [Law; 5] = [
    ("ORD-1: seq 1, 2, 3 ... without a hole", dense),
    ("ORD-1: later entries are never older, and count one more", consistent),
    ("ORD-1: each sender's messages stand in the order of their outbox", own_order),
    ("IDEM-1: a message is in the log once", single),
    ("IDEM-1: an acknowledgement names the message's place, and the body that is there", named),
];

/// What was acknowledged is in a sync that begins now, for both people.
pub const VISIBLE: Law = ("ACK-1: what was acknowledged is in a sync", acknowledged_is_visible);

/// A head that an inbox entry stores is that of a log entry, with its counters.
pub const TRUE_HEADS: Law = ("a stored head is that of a log entry", stored_heads_are_true);

/// An acknowledgement says that an earlier attempt had appended the message.
pub const DUPLICATE: Law = ("a duplicate is acknowledged", a_duplicate_is_acknowledged);
/// A run wants a place that somebody else's message has taken meanwhile.
pub const LOST_PLACE: Law = ("a place is lost", a_place_is_lost);
/// A message was appended by a function that died.
pub const DEAD_WRITER: Law = ("a dead function has appended", a_dead_function_has_appended);
/// A client id is refused because it came with another body before.
pub const CONFLICT: Law = ("a conflict is answered", a_conflict_is_answered);
/// Bob's inbox entry is settled, and with the newest entry of the log.
pub const SETTLED: Law = ("a head is settled", a_head_is_settled);
/// A settler is about to store a head under a version that is not the entry's any more.
pub const LATE_SETTLER: Law = ("a settler comes too late", a_settler_comes_too_late);
/// A settler is about to mark an entry that a dead one left marked.
pub const TAKEN_OVER: Law = ("a dead settler is taken over", a_dead_settler_is_taken_over);

fn acknowledged_is_visible(_: &Scenario, state: &State) -> bool {
    let Some(last) = state.acknowledged().map(|(_, _, sent)| sent.seq).max() else { return true };
    people(ours()).into_iter().all(|user| {
        matches!(Scenario::sync_now(state, sync_of(user, None)).0, sync::Answer::Page(page)
            if page.conversations.iter().any(|conversation| conversation.head.seq >= last))
    })
}

fn stored_heads_are_true(_: &Scenario, state: &State) -> bool {
    people(ours()).into_iter().filter_map(|user| state.inboxes.entry(user, ours())).all(|entry| {
        let stored = state.logs.entry(ours(), entry.head.seq).map_or(Head::none(ours()), Entry::head);
        entry.head == stored
    })
}

fn a_head_is_settled(_: &Scenario, state: &State) -> bool {
    let newest = state.logs.of(ours()).next_back().map(Entry::head);
    let entry = state.inboxes.entry(BOB, ours());
    entry.is_some_and(|entry| entry.state == HeadState::Settled && Some(entry.head) == newest)
}

/// Somebody has opened the entry, or another settler has taken it over.
fn a_settler_comes_too_late(_: &Scenario, state: &State) -> bool {
    let current = state.inboxes.entry(BOB, ours()).map(|entry| entry.version);
    state.runs.iter().any(|run| {
        matches!(&run.phase, Phase::Waiting(_, Call::Settle(settle::Call::Settle { version, .. }))
            if Some(*version) != current)
    })
}

fn a_dead_settler_is_taken_over(_: &Scenario, state: &State) -> bool {
    let settling = state.inboxes.entry(BOB, ours()).is_some_and(|entry| entry.state == HeadState::Settling);
    let marks = |run: &Run| matches!(run.phase, Phase::Waiting(_, Call::Settle(settle::Call::Mark { .. })));
    let stores = |run: &Run| matches!(run.phase, Phase::Waiting(_, Call::Settle(_))) && !marks(run);
    settling && state.runs.iter().any(marks) && !state.runs.iter().any(stores)
}

fn a_duplicate_is_acknowledged(_: &Scenario, state: &State) -> bool {
    state.acknowledged().any(|(_, _, sent)| sent.duplicate)
}

fn a_place_is_lost(_: &Scenario, state: &State) -> bool {
    state.runs.iter().any(|run| match &run.phase {
        Phase::Waiting(_, Call::Send(send::Call::Put(wanted))) => {
            let winner = state.logs.entry(ours(), wanted.seq);
            winner.is_some_and(|winner| (winner.sender, winner.client_id) != (wanted.sender, wanted.client_id))
        }
        _ => false,
    })
}

/// Whoever answers for a dead function calls its message a duplicate.
fn a_dead_function_has_appended(scenario: &Scenario, state: &State) -> bool {
    state.logs.of(ours()).any(|entry| {
        let dead = scenario.attempts(entry).filter(|job| state.runs[*job].phase == Phase::Dead).count();
        let found = |job: usize| state.sent(job).any(|(_, sent)| sent.seq == entry.seq && sent.duplicate);
        dead > 0
            && dead + scenario.attempts(entry).filter(|job| found(*job)).count() == scenario.attempts(entry).count()
    })
}

fn a_conflict_is_answered(_: &Scenario, state: &State) -> bool {
    state.runs.iter().any(|run| {
        matches!(&run.phase, Phase::Done(Answer::Send(answers)) if answers.contains(&Err(send::Refusal::Conflict)))
    })
}

impl Scenario {
    /// The jobs that send the message of this entry, whatever the body.
    fn attempts<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = usize> + 'a {
        self.jobs.iter().enumerate().filter_map(|(job, it)| match &it.task {
            Task::Send(request) if request.sender == entry.sender => {
                request.drafts.iter().any(|draft| draft.client_id == entry.client_id).then_some(job)
            }
            _ => None,
        })
    }
}

fn dense(_: &Scenario, state: &State) -> bool {
    state.logs.of(ours()).zip(1..).all(|(entry, number)| entry.seq == Seq::new(number))
}

fn consistent(_: &Scenario, state: &State) -> bool {
    let log = state.log(ours());
    let mut counts = Counts::zero(ours());
    log.windows(2).all(|pair| pair[0].sent_at <= pair[1].sent_at)
        && log.iter().all(|entry| {
            counts = counts.followed_by(Kind::Message, ours(), entry.sender);
            entry.counts == counts
        })
}

/// The scenarios number the messages of one sender in the order of their outbox; those of others come as they may.
fn own_order(scenario: &Scenario, state: &State) -> bool {
    let log = state.log(ours());
    let sent: Vec<_> = log.into_iter().filter(|entry| scenario.attempts(entry).next().is_some()).collect();
    sent.iter().enumerate().all(|(place, one)| {
        sent[place..].iter().all(|later| one.sender != later.sender || one.client_id <= later.client_id)
    })
}

fn single(_: &Scenario, state: &State) -> bool {
    let log = state.log(ours());
    log.iter().all(|one| {
        log.iter().all(|other| one.seq == other.seq || (one.sender, one.client_id) != (other.sender, other.client_id))
    })
}

fn named(scenario: &Scenario, state: &State) -> bool {
    state.acknowledged().all(|(job, number, sent)| {
        let draft = &scenario.drafts(job)[number];
        state.logs.entry(ours(), sent.seq).is_some_and(|entry| {
            (entry.client_id, entry.body.hash, entry.sent_at) == (draft.client_id, draft.body.hash, sent.sent_at)
        })
    })
}
