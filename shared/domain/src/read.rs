//! `conversation.read`: a read position moves forward, and the others are told.

use crate::change::Audience;
use crate::delivery::{self, Event, FanOut};
use crate::ids::{ConnectionId, ConversationId, UserId};
use crate::inbox::ReadPosition;
use crate::log::{Counts, Seq};
use crate::membership::{self, Spans};
use crate::protocol::{self, Protocol};
use crate::time::Timestamp;

/// Who has read how far.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
    /// The connection that the answer goes to; it gets no push.
    pub connection: Option<ConnectionId>,
    /// Everything up to here.
    pub seq: Seq,
}

/// The next call. All reads are strongly consistent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Read the counters of the entry at this seq.
    ReadCounts(Seq),
    /// Read what the reader sees of the conversation.
    ReadSpans,
    /// Move the stored position forward to this one, never back, creating what is missing.
    Advance(ReadPosition),
    /// Read the routes, then tell those who are online.
    Deliver(delivery::Call),
}

/// What it showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::ReadCounts`]; `None` when there is no such entry.
    Counts(Option<Counts>),
    /// Of [`Call::ReadSpans`].
    Spans(Option<Spans>),
    /// Of [`Call::Advance`]: whether it moved, and where it stands.
    Position(bool, Seq),
    /// Of [`Call::Deliver`].
    Deliver(delivery::Seen),
    /// The call failed or its outcome is unknown.
    Failed,
}

/// Why a position does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// Not a member, whether or not the conversation exists.
    NotAMember,
    /// The seq is not 1 up to the head.
    NoSuchEntry,
    /// Not known to be done; the same again is safe.
    Unavailable,
}

/// What to do next.
pub type Step = protocol::Step<Call, Result<Seq, Refusal>>;

/// The protocol of `conversation.read`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    request: Request,
    inline_max: usize,
    position: Option<ReadPosition>,
    stands: Option<Seq>,
}

impl Read {
    /// Begins, or refuses. More connections than `inline_max` are not posted to at once but through a queue.
    pub fn start(request: Request, inline_max: usize) -> Result<(Self, Step), Refusal> {
        if membership::is_foreign(request.conversation, request.user) {
            return Err(Refusal::NotAMember);
        }
        if request.seq < Seq::FIRST {
            return Err(Refusal::NoSuchEntry);
        }
        let step = Step::Call(Call::ReadCounts(request.seq));
        Ok((Self { request, inline_max, position: None, stands: None }, step))
    }

    /// A position that moved is answered even if nobody could be told: a receipt is a hint.
    fn answer(&self) -> Step {
        Step::Done(self.stands.ok_or(Refusal::Unavailable))
    }
}

impl Protocol for Read {
    type Call = Call;
    type Seen = Seen;
    type Answer = Result<Seq, Refusal>;
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, now: Timestamp) -> Step {
        let Request { conversation, user, seq, .. } = self.request;
        match seen {
            Seen::Counts(Some(counts)) => {
                let position = ReadPosition { seq, counts };
                self.position = Some(position);
                // The log, then the permission: who is removed in between has not read what came after.
                Step::Call(if membership::is_in_inbox(conversation) {
                    Call::ReadSpans
                } else {
                    Call::Advance(position)
                })
            }
            // An outsider must not learn from the answer which entries there are.
            Seen::Counts(None) if membership::is_in_inbox(conversation) => Step::Call(Call::ReadSpans),
            Seen::Counts(None) => Step::Done(Err(Refusal::NoSuchEntry)),
            Seen::Spans(spans) => match (spans, self.position) {
                (None, _) => Step::Done(Err(Refusal::NotAMember)),
                (Some(spans), Some(position)) if spans.shows(seq) => Step::Call(Call::Advance(position)),
                (Some(_), _) => Step::Done(Err(Refusal::NoSuchEntry)),
            },
            Seen::Position(moved, stands) => {
                self.stands = Some(stands);
                if !moved {
                    return self.answer();
                }
                // In a group one's own devices are told, and nobody else.
                let concerned = membership::people(conversation);
                let concerned = if concerned.is_empty() { vec![user] } else { concerned };
                Step::Call(Call::Deliver(delivery::Call::ReadRoutes(concerned)))
            }
            Seen::Deliver(delivery::Seen::Routes(routes)) => {
                let events = vec![Event::Read { conversation, user, seq }];
                // Told to one's own devices alone, a group's members are no audience of it.
                let audience = Audience { buckets: 0, also: vec![user] };
                let job = FanOut { conversation, events, except: self.request.connection.clone(), audience };
                match delivery::plan(routes, job, self.inline_max, now) {
                    Some(call) => Step::Call(Call::Deliver(call)),
                    None => self.answer(),
                }
            }
            Seen::Deliver(delivery::Seen::Delivered) | Seen::Failed => self.answer(),
        }
    }
}
