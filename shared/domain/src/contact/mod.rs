//! What people are to each other: what one has of another, every change of it ([`change`]), and who may write to whom
//! ([`DirectMessages`]).

pub mod change;
mod door;
#[cfg(test)]
mod tests;

use crate::group::Greeting;
use crate::identity::DisplayName;
use crate::ids::UserId;
use crate::limits::ASKING_TTL_MS;
use crate::log::Seq;
use crate::time::Timestamp;

pub use crate::group::text::Tag;
pub use door::{DirectMessages, Door, Reception, Relation, Verdict};

/// What is between two people, as one of them sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Tie {
    /// I have asked them.
    Asked {
        /// When.
        at: Timestamp,
        /// What I said.
        greeting: Option<Greeting>,
    },
    /// They have asked me.
    Asking {
        /// When.
        at: Timestamp,
        /// What they said.
        greeting: Option<Greeting>,
    },
    /// We are contacts.
    Friends {
        /// Since when.
        since: Timestamp,
    },
}

impl Tie {
    /// Whether it still counts: a request does for a time.
    pub const fn lasts(&self, now: Timestamp) -> bool {
        match self {
            Self::Asked { at, .. } | Self::Asking { at, .. } => now.millis_since(*at) < ASKING_TTL_MS,
            Self::Friends { .. } => true,
        }
    }

    /// Whether the other one's side of it is `theirs`. Whoever was blocked when they asked has a tie that only they see.
    const fn is_mirrored(&self, theirs: &Self) -> bool {
        matches!(
            (self, theirs),
            (Self::Friends { .. }, Self::Friends { .. })
                | (Self::Asked { .. }, Self::Asking { .. })
                | (Self::Asking { .. }, Self::Asked { .. })
        )
    }
}

/// What one person has of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Contact {
    /// The other one.
    pub peer: UserId,
    /// What is between them.
    pub tie: Option<Tie>,
    /// What the owner calls the peer.
    pub remark: Option<DisplayName>,
    /// What the owner keeps the peer under.
    pub tags: Vec<Tag>,
    /// Whether the owner wants nothing of the peer. The peer learns nothing of it.
    pub blocked: bool,
    /// Place, in the owner's notices, of the entry that told the last change.
    pub version: Seq,
    /// When that was.
    pub changed_at: Timestamp,
}

impl Contact {
    /// What somebody has of a stranger.
    pub const fn stranger(peer: UserId) -> Self {
        Self {
            peer,
            tie: None,
            remark: None,
            tags: Vec::new(),
            blocked: false,
            version: Seq::NONE,
            changed_at: Timestamp::EPOCH,
        }
    }

    /// What counts of it now: a request that nobody answered in time does not.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.tie = self.tie.filter(|tie| tie.lasts(now));
        self
    }

    /// Whether there is nothing left of it but that there was something.
    pub const fn is_gone(&self) -> bool {
        self.tie.is_none() && !self.blocked
    }

    /// What the peer is to the owner.
    pub const fn relation(&self) -> Relation {
        match self.tie {
            _ if self.blocked => Relation::Blocked,
            Some(Tie::Friends { .. }) => Relation::Contact,
            _ => Relation::Stranger,
        }
    }

    /// Names are for those whom one has.
    fn forget_names(&mut self) {
        if self.is_gone() {
            self.remark = None;
            self.tags.clear();
        }
    }
}
