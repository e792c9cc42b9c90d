//! What holds in every world.

use stateright::Property;
use tidings_domain::log::{Counts, Entry, Kind, Seq};
use tidings_domain::{send, sync};

use crate::cast::{ours, sync_of};
use crate::machine::{Answer, Call};
use crate::scenario::{Scenario, Task};
use crate::state::{Phase, State};

/// The laws of a log that is appended to.
pub fn of_the_log() -> Vec<Property<Scenario>> {
    vec![
        Property::always("ORD-1: seq 1, 2, 3 ... without a hole", dense),
        Property::always("ORD-1: later entries are never older, and count one more", consistent),
        Property::always("ORD-1: each sender's messages stand in the order of their outbox", own_order),
        Property::always("IDEM-1: a message is in the log once", single),
        Property::always("IDEM-1: an acknowledgement names the message's place, and the body that is there", named),
    ]
}

/// ACK-1: what was acknowledged is in a sync that begins now, for both people.
pub fn acknowledged_is_visible(scenario: &Scenario, state: &State) -> bool {
    let Some(last) = state.acknowledged().map(|(_, _, sent)| sent.seq).max() else { return true };
    tidings_domain::membership::people(ours()).into_iter().all(|user| {
        matches!(scenario.sync_now(state, sync_of(user, None)), sync::Answer::Page(page)
            if page.conversations.iter().any(|conversation| conversation.head.seq >= last))
    })
}

/// An acknowledgement says that an earlier attempt had appended the message.
pub fn a_duplicate_is_acknowledged(_: &Scenario, state: &State) -> bool {
    state.acknowledged().any(|(_, _, sent)| sent.duplicate)
}

/// A run wants a place that somebody else's message has taken meanwhile.
pub fn a_place_is_lost(_: &Scenario, state: &State) -> bool {
    state.runs.iter().any(|run| match &run.phase {
        Phase::Waiting(_, Call::Send(send::Call::Put(wanted))) => {
            let winner = state.logs.entry(ours(), wanted.seq);
            winner.is_some_and(|winner| (winner.sender, winner.client_id) != (wanted.sender, wanted.client_id))
        }
        _ => false,
    })
}

/// A message was appended by a function that died: whoever answers it calls it a duplicate.
pub fn a_dead_function_has_appended(scenario: &Scenario, state: &State) -> bool {
    state.logs.of(ours()).any(|entry| {
        let dead = scenario.attempts(entry).filter(|job| state.runs[*job].phase == Phase::Dead).count();
        let found = |job: usize| state.sent(job).any(|(_, sent)| sent.seq == entry.seq && sent.duplicate);
        dead > 0
            && dead + scenario.attempts(entry).filter(|job| found(*job)).count() == scenario.attempts(entry).count()
    })
}

/// A client id is refused because it came with another body before.
pub fn a_conflict_is_answered(_: &Scenario, state: &State) -> bool {
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
