//! The conversation log: entries numbered 1, 2, 3 ... without a hole (ORD-1).

use std::fmt;

use crate::ids::{ClientId, ConversationId, UserId};
use crate::time::Timestamp;

/// Place of an entry in its conversation, from 1. [`Seq::NONE`] is the place before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(u64);

impl Seq {
    /// Before the first entry; the head of an empty log.
    pub const NONE: Self = Self(0);
    /// The first entry.
    pub const FIRST: Self = Self(1);

    /// The seq with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The place before this one; there is none before [`Seq::NONE`].
    pub const fn before(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The place after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an entry is. Everything that members must learn is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Somebody said something.
    Message,
    /// A change that the members must learn: who is one, what the group is called, what may be done. Written by use
    /// cases alone.
    System,
}

impl Kind {
    /// Whether the entry counts as unread. Only messages and forwards do.
    pub const fn counts(self) -> bool {
        match self {
            Self::Message => true,
            Self::System => false,
        }
    }

    /// Whether who may write can be different after this entry. A sender that loses its place to one reads the
    /// permission again (SEE-1).
    pub const fn changes_permissions(self) -> bool {
        match self {
            Self::Message => false,
            Self::System => true,
        }
    }
}

/// SHA-256 of the body as first stored; kept for ever. It decides whether the same client id came with another body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BodyHash([u8; 32]);

impl BodyHash {
    /// Wraps a digest.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// The digest.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}{:02x}{:02x}{:02x}..", self.0[0], self.0[1], self.0[2], self.0[3])
    }
}

/// What a message says. Opaque here: the wire validated it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// Encoded JSON.
    pub json: String,
    /// Hash of the original.
    pub hash: BodyHash,
}

/// Messages so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Counts {
    /// One number per member of a direct conversation, in the order of its id. In one's own notes all count as
    /// the lower member's.
    Direct([u64; 2]),
    /// Of a group: its messages, and how many members it has. Both follow from the predecessor's, so neither can drift.
    Group {
        /// Messages by everybody.
        messages: u64,
        /// Members after this entry.
        members: u64,
    },
    /// One number, of what the system told one user.
    Shared(u64),
}

impl Counts {
    /// Before the first entry.
    pub const fn zero(conversation: ConversationId) -> Self {
        match conversation {
            ConversationId::Direct(_) => Self::Direct([0; 2]),
            ConversationId::Group(_) => Self::Group { messages: 0, members: 0 },
            ConversationId::Notices(_) => Self::Shared(0),
        }
    }

    /// The numbers, as the wire, the tables and clients hold them: one per member of a direct conversation, messages and
    /// members of a group, else one.
    pub fn numbers(self) -> Vec<u64> {
        match self {
            Self::Direct(counts) => counts.to_vec(),
            Self::Group { messages, members } => vec![messages, members],
            Self::Shared(count) => vec![count],
        }
    }

    /// Reads [`numbers`](Self::numbers), if there are as many as such a conversation has.
    pub const fn of(conversation: ConversationId, numbers: &[u64]) -> Option<Self> {
        match (conversation, numbers) {
            (ConversationId::Direct(_), [lower, higher]) => Some(Self::Direct([*lower, *higher])),
            (ConversationId::Group(_), [messages, members]) => {
                Some(Self::Group { messages: *messages, members: *members })
            }
            (ConversationId::Notices(_), [count]) => Some(Self::Shared(*count)),
            _ => None,
        }
    }

    /// After an entry of `kind` by `sender`. An entry's counters follow from its predecessor's, which the
    /// condition of the append guarantees.
    #[must_use]
    pub fn followed_by(mut self, kind: Kind, conversation: ConversationId, sender: UserId) -> Self {
        if kind.counts() {
            match (&mut self, conversation) {
                (Self::Direct(counts), ConversationId::Direct(pair)) => {
                    if let Some(index) = pair.index(sender) {
                        counts[index] += 1;
                    }
                }
                (Self::Direct(counts), _) => counts[0] += 1,
                (Self::Group { messages: count, .. } | Self::Shared(count), _) => *count += 1,
            }
        }
        self
    }

    /// With so many members more, or fewer.
    #[must_use]
    pub const fn with_members(self, more: i64) -> Self {
        match self {
            Self::Group { messages, members } => Self::Group { messages, members: members.saturating_add_signed(more) },
            Self::Direct(_) | Self::Shared(_) => self,
        }
    }

    /// How many members the group has.
    pub const fn members(self) -> u64 {
        match self {
            Self::Group { members, .. } => members,
            Self::Direct(_) | Self::Shared(_) => 0,
        }
    }

    /// Messages of others for `user`: exact in direct conversations, own ones included elsewhere.
    pub fn of_others(self, conversation: ConversationId, user: UserId) -> u64 {
        match (self, conversation) {
            (Self::Direct(counts), ConversationId::Direct(pair)) => match pair.users() {
                [lower, higher] if lower == higher => 0,
                [lower, _] => counts[usize::from(lower == user)],
            },
            (Self::Direct(counts), _) => counts.iter().sum(),
            (Self::Group { messages: count, .. } | Self::Shared(count), _) => count,
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its place.
    pub seq: Seq,
    /// Who wrote it.
    pub sender: UserId,
    /// What the sender called it.
    pub client_id: ClientId,
    /// When it was appended; never earlier than its predecessor's.
    pub sent_at: Timestamp,
    /// What it is.
    pub kind: Kind,
    /// Its present content.
    pub body: Body,
    /// How often it was changed.
    pub rev: u32,
    /// Messages so far, this one included.
    pub counts: Counts,
    /// From when on nobody can read it.
    pub expires_at: Option<Timestamp>,
}

impl Entry {
    /// What readers and inboxes keep of the newest entry.
    pub const fn head(&self) -> Head {
        Head { seq: self.seq, at: self.sent_at, counts: self.counts }
    }
}

/// What a message is before it has a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Draft {
    /// What the sender calls it (IDEM-1).
    pub client_id: ClientId,
    /// What it says.
    pub body: Body,
}

/// What a change tells a conversation, before it has a place there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Telling {
    /// What the actor calls the change (IDEM-1).
    pub client_id: ClientId,
    /// What is told.
    pub body: Body,
    /// How many members the conversation has more after it.
    pub joins: i64,
}

impl Telling {
    /// The entry that this becomes after `head`.
    pub fn follow(&self, head: Option<&Entry>, conversation: ConversationId, actor: UserId, now: Timestamp) -> Entry {
        let mut entry = follow(head, conversation, actor, now, Kind::System, self.client_id, &self.body);
        entry.counts = entry.counts.with_members(self.joins);
        entry
    }
}

impl Draft {
    /// The entry that this draft becomes after `head`.
    pub fn follow(&self, head: Option<&Entry>, conversation: ConversationId, sender: UserId, now: Timestamp) -> Entry {
        follow(head, conversation, sender, now, Kind::Message, self.client_id, &self.body)
    }
}

fn follow(
    head: Option<&Entry>,
    conversation: ConversationId,
    sender: UserId,
    now: Timestamp,
    kind: Kind,
    client_id: ClientId,
    body: &Body,
) -> Entry {
    let counts = head.map_or(Counts::zero(conversation), |entry| entry.counts);
    Entry {
        seq: head.map_or(Seq::NONE, |entry| entry.seq).next(),
        sender,
        client_id,
        // Order by time never contradicts order by seq, whatever the clocks of our functions do.
        sent_at: head.map_or(now, |entry| entry.sent_at.max(now)),
        kind,
        body: body.clone(),
        rev: 0,
        counts: counts.followed_by(kind, conversation, sender),
        expires_at: None,
    }
}

/// The newest entry, as inboxes store it and sync answers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Head {
    /// Its seq; [`Seq::NONE`] for an empty log.
    pub seq: Seq,
    /// Its `sent_at`.
    pub at: Timestamp,
    /// Its counters.
    pub counts: Counts,
}

impl Head {
    /// The head of an empty log.
    pub const fn none(conversation: ConversationId) -> Self {
        Self { seq: Seq::NONE, at: Timestamp::EPOCH, counts: Counts::zero(conversation) }
    }
}

/// Where a strongly consistent read of the log's end begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum From {
    /// This entry and everything above it.
    Seq(Seq),
    /// The head, and every entry with a `sent_at` from this time on.
    Time(Timestamp),
}

/// The end of a log, read strongly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tail {
    /// Ascending, up to and including the head.
    pub entries: Vec<Entry>,
    /// Whether there were more than the limit; `entries` is then of no use.
    pub truncated: bool,
}

/// What became of a put on condition that its place was free.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Put {
    /// The entry has its place.
    Stored,
    /// This entry has it.
    Taken(Box<Entry>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_follow_the_senders() {
        let (a, b) = (UserId::from_bits(1), UserId::from_bits(2));
        let direct = ConversationId::direct(a, b);
        let counts = [a, b, b]
            .iter()
            .fold(Counts::zero(direct), |counts, sender| counts.followed_by(Kind::Message, direct, *sender));
        assert_eq!(counts, Counts::Direct([1, 2]));
        assert_eq!((counts.of_others(direct, a), counts.of_others(direct, b)), (2, 1));
        let notes = ConversationId::direct(a, a);
        assert_eq!(Counts::zero(notes).followed_by(Kind::Message, notes, a).of_others(notes, a), 0);
    }

    #[test]
    fn counters_read_back_as_numbers() {
        let (a, b) = (UserId::from_bits(1), UserId::from_bits(2));
        let (direct, notices) = (ConversationId::direct(a, b), ConversationId::Notices(a));
        for (conversation, counts) in [(direct, Counts::Direct([3, 4])), (notices, Counts::Shared(5))] {
            assert_eq!(Counts::of(conversation, &counts.numbers()), Some(counts));
            assert_eq!(Counts::of(conversation, &[]), None);
            assert_eq!(Counts::of(conversation, &[1, 2, 3]), None);
        }
        assert_eq!((Counts::of(direct, &[1]), Counts::of(notices, &[1, 2])), (None, None));
        let group = ConversationId::Group(crate::ids::GroupId::from_bits(3));
        let counts = Counts::zero(group).followed_by(Kind::Message, group, a).with_members(3);
        let counts = counts.followed_by(Kind::System, group, a).with_members(-1);
        assert_eq!(counts, Counts::Group { messages: 1, members: 2 });
        assert_eq!(Counts::of(group, &counts.numbers()), Some(counts));
    }

    #[test]
    fn time_never_runs_backwards_in_a_log() {
        let (a, b) = (UserId::from_bits(1), UserId::from_bits(2));
        let direct = ConversationId::direct(a, b);
        let draft = Draft {
            client_id: ClientId::from_bits(1),
            body: Body { json: String::new(), hash: BodyHash::new([0; 32]) },
        };
        let first = draft.follow(None, direct, a, Timestamp::from_millis(10));
        let second = draft.follow(Some(&first), direct, b, Timestamp::from_millis(5));
        assert_eq!((first.seq, second.seq), (Seq::FIRST, Seq::new(2)));
        assert_eq!(second.sent_at, Timestamp::from_millis(10));
    }
}
