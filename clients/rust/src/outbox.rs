//! The outbox of one conversation, without any I/O.
//!
//! The gateway runs the frames of one connection concurrently, so two in flight could swap: one attempt is in flight
//! at a time, and what queues up meanwhile goes into the next. Until an attempt is answered, exactly the same items
//! are sent again in the same order, across time-outs, connections and restarts. Re-cutting an unanswered attempt is
//! how messages are doubled or swapped.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tidings_domain::ids::{ClientId, ConversationId};
use tidings_domain::limits::{BATCH_MAX, CLOCK_SKEW_MS};
use tidings_protocol::actions::{Draft, MessageSend, MessageSendReply, SendResult, Sent};
use tidings_protocol::body::Body;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::limits::FRAME_MAX;

/// What a frame has around its messages at most, in bytes: action, request id, conversation, `after`, `attempt`.
const FRAME_OVERHEAD: usize = 512;

/// What a message of a batch has around its body, in bytes: `{"client_id":"...","body":},`.
const DRAFT_OVERHEAD: usize = 52;

/// A client id from the future is held back if it becomes the present within this time, in milliseconds; beyond
/// that the message fails, and a new one gets a corrected time.
const HOLD_MAX_MS: u64 = 2 * 60 * 1_000;

/// A message on its way. Immutable once it is in the outbox, but for `after`, which a search may raise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) client_id: ClientId,
    pub(crate) body: Body,
    /// Size of the body's JSON.
    pub(crate) bytes: usize,
    /// The highest seq that was known to exist when the message entered the outbox; `None` if nothing was known of
    /// the conversation, and then the server goes by the client id's time.
    pub(crate) after: Option<u64>,
}

impl Item {
    fn draft(&self) -> Draft {
        Draft { client_id: self.client_id.into(), body: self.body.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Something may be written.
    Ready,
    /// An attempt was written and is not answered.
    Flying,
    /// Waiting before the same again.
    Resting,
    /// Looking for the attempt's messages in what this client is behind.
    Searching,
}

/// The outbox of one conversation.
#[derive(Clone, Debug)]
pub(crate) struct Lane {
    items: VecDeque<Item>,
    /// So many items from the front are the unanswered attempt.
    attempt: usize,
    phase: Phase,
    /// How often the attempt was written.
    tries: u32,
    /// How often it failed in a row.
    failures: u32,
    /// So many items from the front travel alone: a batch of them was refused as a whole, and one bad message must
    /// not take the others with it.
    alone: usize,
}

/// An attempt to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// Its messages; they must be marked in the store before it is written, if it is new.
    pub(crate) ids: Vec<ClientId>,
    /// Whether it was cut just now.
    pub(crate) new: bool,
    /// The request.
    pub(crate) request: MessageSend,
}

/// What the answer to an attempt means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// In the log; they leave the outbox.
    pub(crate) acknowledged: Vec<(Item, Sent)>,
    /// Refused for good; they leave the outbox.
    pub(crate) failed: Vec<(Item, ErrorBody)>,
    /// Messages that are no longer in an attempt and may be cut anew.
    pub(crate) released: Vec<ClientId>,
    /// What the lane waits for.
    pub(crate) next: Next,
    /// The server's time, if our clock is ahead of it.
    pub(crate) server_time: Option<u64>,
}

/// What a lane waits for after an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing: [`Lane::take`].
    #[default]
    Go,
    /// A wait, then [`Lane::rested`] and the same again. Not shorter than `at_least`.
    Rest { at_least: Duration, failures: u32 },
    /// A search of the log above the attempt's `after`, then [`Lane::searched`].
    Search,
}

/// Where the search for an attempt's earlier traces ends, going down from the head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    pub(crate) ids: Vec<ClientId>,
    /// Not below this seq.
    pub(crate) after: Option<u64>,
    /// Without `after`: not below the first entry that is older than this, in milliseconds since the epoch.
    pub(crate) since_ms: u64,
}

enum Class {
    Again(Duration),
    Behind,
    Refused,
}

impl Default for Lane {
    fn default() -> Self {
        Self { items: VecDeque::new(), attempt: 0, phase: Phase::Ready, tries: 0, failures: 0, alone: 0 }
    }
}

impl Lane {
    /// A lane as it was stored: the first `attempt` items may have been written and were not answered.
    pub(crate) fn restore(items: VecDeque<Item>, attempt: usize) -> Self {
        Self { attempt: attempt.min(items.len()), items, ..Self::default() }
    }

    /// Whether nothing is left to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The messages in their order.
    pub(crate) fn items(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// A new message, at the end.
    pub(crate) fn push(&mut self, item: Item) {
        self.items.push_back(item);
    }

    /// What is to be written now: the unanswered attempt, or a new one.
    pub(crate) fn take(&mut self, conversation: ConversationId) -> Option<Attempt> {
        if self.phase != Phase::Ready || self.items.is_empty() {
            return None;
        }
        let new = self.attempt == 0;
        if new {
            self.attempt = self.cut();
            self.tries = 0;
        }
        self.phase = Phase::Flying;
        self.tries = self.tries.saturating_add(1);
        let ids = self.attempted().map(|item| item.client_id).collect();
        let after = self.after();
        let mut drafts: Vec<Draft> = self.attempted().map(Item::draft).collect();
        let mut request = match (drafts.len(), drafts.pop()) {
            (1, Some(draft)) => MessageSend::one(conversation, after, draft),
            (_, last) => {
                drafts.extend(last);
                MessageSend::batch(conversation, after, drafts)
            }
        };
        request.attempt = Some(self.tries);
        Some(Attempt { ids, new, request })
    }

    /// The connection was lost, or the answer did not come in time: the outcome is unknown.
    pub(crate) fn lost(&mut self) {
        if matches!(self.phase, Phase::Flying | Phase::Resting) {
            self.phase = Phase::Ready;
        }
    }

    /// No answer in time, or an answer that says nothing: rest, then the same again.
    pub(crate) fn unanswered(&mut self) -> Next {
        self.rest(Duration::ZERO)
    }

    /// The wait is over.
    pub(crate) fn rested(&mut self) -> bool {
        let was = self.phase == Phase::Resting;
        if was {
            self.phase = Phase::Ready;
        }
        was
    }

    /// Whether an attempt is written and unanswered.
    pub(crate) fn flying(&self) -> bool {
        self.phase == Phase::Flying
    }

    /// The server's answer to the attempt as a whole or to each of its messages.
    pub(crate) fn answered(&mut self, answer: Result<MessageSendReply, ErrorBody>) -> Verdict {
        if self.attempt == 0 || matches!(self.phase, Phase::Searching) {
            return Verdict::default();
        }
        let results = match answer {
            Ok(MessageSendReply::One(sent)) if self.attempt == 1 => vec![SendResult::Sent(sent)],
            Ok(MessageSendReply::Many { results }) if results.len() == self.attempt => results,
            // An answer of another form says nothing.
            Ok(_) => Vec::new(),
            Err(error) if self.attempt > 1 && matches!(classify(&error, self.front()), Class::Refused) => {
                return self.separate();
            }
            Err(error) => vec![SendResult::Failed { error }],
        };
        let mut verdict = Verdict::default();
        for result in results {
            if self.attempt == 0 {
                break;
            }
            match result {
                SendResult::Sent(sent) => verdict.acknowledged.extend(self.leave().map(|item| (item, sent))),
                SendResult::Failed { error } => {
                    self.fail(error, &mut verdict);
                    return verdict;
                }
            }
        }
        verdict.next = if self.attempt == 0 { self.done() } else { self.rest(Duration::ZERO) };
        verdict
    }

    /// What to look for after `behind`.
    pub(crate) fn search(&self) -> Search {
        let earliest = self.attempted().map(|item| item.client_id.time().as_millis()).min().unwrap_or(0);
        Search {
            ids: self.attempted().map(|item| item.client_id).collect(),
            after: self.after(),
            // As far back as an entry of ours can be: the server takes ids up to the skew ahead of its clock. Twice,
            // because two of its functions can differ by as much.
            since_ms: earliest.saturating_sub(2 * CLOCK_SKEW_MS),
        }
    }

    /// The log was searched from the attempt's `after` up to `upto`.
    ///
    /// What was found there is in the log, and perhaps nobody sees it yet: the attempt may have died in between. So it
    /// is sent again with an `after` right below it, and the server finds it and makes it visible. When the server did
    /// not even want to search from there, the first message counts as acknowledged: the thousand entries above it
    /// were made visible since, and it with them. For the rest the search begins at `upto` from now on.
    pub(crate) fn searched(&mut self, found: &HashMap<ClientId, Sent>, upto: u64) -> Verdict {
        let mut verdict = Verdict::default();
        if self.phase != Phase::Searching {
            return verdict;
        }
        let attempt = self.attempt;
        let rest = self.items.split_off(attempt);
        let mut first = true;
        for mut item in std::mem::take(&mut self.items) {
            match found.get(&item.client_id) {
                Some(sent) if first && item.after == Some(sent.seq.saturating_sub(1)) => {
                    self.attempt -= 1;
                    verdict.acknowledged.push((item, *sent));
                    first = false;
                    continue;
                }
                Some(sent) => item.after = Some(sent.seq.saturating_sub(1)),
                None => item.after = Some(item.after.unwrap_or(0).max(upto)),
            }
            first = false;
            self.items.push_back(item);
        }
        self.items.extend(rest);
        self.alone = self.alone.saturating_sub(verdict.acknowledged.len());
        self.phase = Phase::Ready;
        if self.attempt == 0 {
            self.done();
        }
        verdict
    }

    /// Whether the lane waits for a search.
    pub(crate) fn searching(&self) -> bool {
        self.phase == Phase::Searching
    }

    /// The messages of the unanswered attempt.
    pub(crate) fn attempted(&self) -> impl Iterator<Item = &Item> {
        self.items.iter().take(self.attempt)
    }

    /// How many from the front go into a new attempt.
    fn cut(&self) -> usize {
        if self.alone > 0 {
            return 1;
        }
        let mut bytes = FRAME_OVERHEAD;
        let fits = self.items.iter().take(BATCH_MAX).take_while(|item| {
            bytes += item.bytes + DRAFT_OVERHEAD;
            bytes <= FRAME_MAX
        });
        fits.count().max(1)
    }

    /// The lowest `after` of the attempt; none if one item has none.
    fn after(&self) -> Option<u64> {
        self.attempted().map(|item| item.after).min().flatten()
    }

    fn front(&self) -> Option<ClientId> {
        self.items.front().map(|item| item.client_id)
    }

    /// The first message leaves the outbox.
    fn leave(&mut self) -> Option<Item> {
        self.attempt = self.attempt.saturating_sub(1);
        self.alone = self.alone.saturating_sub(1);
        self.failures = 0;
        self.items.pop_front()
    }

    /// The first remaining message of the attempt was not taken; nothing behind it was tried.
    fn fail(&mut self, error: ErrorBody, verdict: &mut Verdict) {
        verdict.server_time = error.server_time;
        match classify(&error, self.front()) {
            Class::Again(at_least) => verdict.next = self.rest(at_least),
            Class::Behind => {
                self.phase = Phase::Searching;
                verdict.next = Next::Search;
            }
            Class::Refused => {
                verdict.failed.extend(self.leave().map(|item| (item, error)));
                if self.attempt == 0 {
                    self.done();
                } else {
                    self.phase = Phase::Ready;
                }
            }
        }
    }

    /// A batch was refused as a whole: its messages go one by one, so that only those fail that have to.
    fn separate(&mut self) -> Verdict {
        self.alone = self.attempt;
        let released = self.attempted().map(|item| item.client_id).collect();
        let next = self.done();
        Verdict { released, next, ..Verdict::default() }
    }

    fn rest(&mut self, at_least: Duration) -> Next {
        self.phase = Phase::Resting;
        let failures = self.failures;
        self.failures = self.failures.saturating_add(1);
        Next::Rest { at_least, failures }
    }

    fn done(&mut self) -> Next {
        self.attempt = 0;
        self.tries = 0;
        self.failures = 0;
        self.phase = Phase::Ready;
        Next::Go
    }
}

/// What an error asks for. By the code alone: the message is for people.
fn classify(error: &ErrorBody, client_id: Option<ClientId>) -> Class {
    match error.code {
        ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::RateLimited | ErrorCode::Unauthenticated => {
            Class::Again(Duration::from_millis(error.retry_after_ms.unwrap_or(0)))
        }
        ErrorCode::Behind => Class::Behind,
        ErrorCode::BadRequest => match (error.server_time, client_id) {
            // Our clock is ahead. The id becomes acceptable by waiting, and must not change: an earlier attempt
            // may be in the log under it.
            (Some(server), Some(id)) => {
                let early = id.time().as_millis().saturating_sub(server.saturating_add(CLOCK_SKEW_MS));
                if early <= HOLD_MAX_MS { Class::Again(Duration::from_millis(early + 100)) } else { Class::Refused }
            }
            _ => Class::Refused,
        },
        ErrorCode::Forbidden
        | ErrorCode::NotAMember
        | ErrorCode::NotFound
        | ErrorCode::Conflict
        | ErrorCode::TooLarge => Class::Refused,
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
