//! Inboxes: what makes a conversation visible to its members.
//!
//! `head_state` is what makes a direct message cost one write instead of three. While an entry is open, its
//! readers ask the log; only after a day of silence does a sync store the head, in two phases ([`crate::settle`]).

use crate::contact::Door;
use crate::identity::DisplayName;
use crate::ids::{ConversationId, UserId};
use crate::log::{Counts, Entry, Head, Kind, Seq};
use crate::membership::Spans;

/// Whether the stored head can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HeadState {
    /// The stored head is exact.
    Settled,
    /// The log may be ahead: ask it.
    Open,
    /// Somebody is about to store the head, or died doing so. For readers the same as open.
    Settling,
}

/// What a reader has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReadPosition {
    /// Everything up to here.
    pub seq: Seq,
    /// The counters of that entry.
    pub counts: Counts,
}

impl ReadPosition {
    /// Nothing read yet.
    pub const fn none(conversation: ConversationId) -> Self {
        Self { seq: Seq::NONE, counts: Counts::zero(conversation) }
    }
}

/// What one user has of one conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboxEntry {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Whether `head` can be trusted.
    pub state: HeadState,
    /// Goes up with every change of `state`; what settling is conditional on.
    pub version: u64,
    /// The stored head.
    pub head: Head,
    /// How far the user has read, on whichever device. Only moves forward (MONO-1).
    pub read: ReadPosition,
    /// Of a group: what the user sees of it. Nothing elsewhere, where the id says it.
    pub spans: Spans,
    /// What the user calls it.
    pub remark: Option<DisplayName>,
    /// Of a direct conversation: what the user allows the peer.
    pub door: Door,
}

impl InboxEntry {
    /// An entry that says nothing yet.
    pub fn new(conversation: ConversationId) -> Self {
        Self {
            conversation,
            state: HeadState::Open,
            version: 0,
            head: Head::none(conversation),
            read: ReadPosition::none(conversation),
            spans: Spans::default(),
            remark: None,
            door: Door::default(),
        }
    }

    /// Whether nobody has said anything there yet: the entry says what the peer may, and that nothing is to be seen.
    pub fn is_silent(&self) -> bool {
        self.state == HeadState::Settled && self.head.seq == Seq::NONE
    }

    /// Messages of others that `user` has not read, with this head. Exact in direct conversations; elsewhere one counter
    /// is everybody's, so own messages count too, except those among the `newest` entries.
    pub fn unread(&self, user: UserId, head: &Head, newest: &[Entry]) -> u64 {
        let of_others = |counts: Counts| counts.of_others(self.conversation, user);
        let unread = of_others(head.counts).saturating_sub(of_others(self.read.counts));
        if let ConversationId::Direct(_) = self.conversation {
            return unread;
        }
        let own = |entry: &&Entry| entry.seq > self.read.seq && entry.sender == user && entry.kind == Kind::Message;
        unread.saturating_sub(u64::try_from(newest.iter().filter(own).count()).unwrap_or(u64::MAX))
    }
}
