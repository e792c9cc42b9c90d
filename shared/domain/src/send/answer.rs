//! What a sender is told.

use crate::group::permissions::Denied;
use crate::log::{Entry, Seq};
use crate::time::Timestamp;

/// A message is in the log and visible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sent {
    /// Its place.
    pub seq: Seq,
    /// When it was appended.
    pub sent_at: Timestamp,
    /// Whether an earlier attempt had appended it.
    pub duplicate: bool,
}

impl Sent {
    pub(super) const fn of(entry: &Entry, duplicate: bool) -> Self {
        Self { seq: entry.seq, sent_at: entry.sent_at, duplicate }
    }
}

/// Why a message is not known to be in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// No message, or more than [`crate::limits::BATCH_MAX`].
    BatchSize,
    /// Two messages of the batch have one client id.
    RepeatedClientId,
    /// A client id is from further in the future than clocks may differ.
    ClientIdFromFuture,
    /// `after` is above the head.
    AfterAboveHead,
    /// The sender is not a member, whether or not the conversation exists.
    NotAMember,
    /// Nobody writes there but we.
    Forbidden,
    /// The sender may not write to the group.
    Denied(Denied),
    /// The recipient takes no messages from the sender, for whatever reason.
    Unwelcome,
    /// There is no such recipient.
    NoSuchUser,
    /// The client id is taken by a message with another body.
    Conflict,
    /// Too many entries since `after` to search them.
    Behind,
    /// Not known to be done in time; sending the same again is safe.
    Unavailable,
    /// An earlier message of the batch failed, so this one was not tried.
    NotTried,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotAMember => Self::NotAMember,
            other => Self::Denied(other),
        }
    }
}
