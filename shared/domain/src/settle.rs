//! Settling: store the exact head of a quiet conversation, so that its next syncs need not ask the log.
//!
//! Two phases. Marking first makes any later opening visible to the final condition; reading the head after the
//! mark makes it exact. With one phase, even with a second look at the log afterwards, a settler that dies in
//! between loses a message. A crash leaves `settling`, which readers treat as open and any settler takes over.

use crate::inbox::{HeadState, InboxEntry};
use crate::limits::SETTLE_AFTER_MS;
use crate::log::Head;
use crate::protocol::{self, Protocol};
use crate::time::Timestamp;

/// The next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Set `settling` and version + 1, on condition of this version.
    Mark {
        /// The version that was read.
        version: u64,
    },
    /// Read the log's head, strongly.
    ReadHead,
    /// Store the head and set `settled`, on condition that it is still `settling` with this version.
    Settle {
        /// The version that marking set.
        version: u64,
        /// The exact head.
        head: Head,
    },
}

/// What it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::Mark`] and [`Call::Settle`]: whether the condition held.
    Written(bool),
    /// Of [`Call::ReadHead`].
    Head(Head),
    /// The call failed or its outcome is unknown.
    Failed,
}

/// What to do next.
pub type Step = protocol::Step<Call, ()>;

/// Whether a sync that saw this head should settle the entry. Only direct conversations settle: nothing is written
/// per member when somebody speaks in a group, so its entries stay open.
pub fn is_due(entry: &InboxEntry, head: &Head, now: Timestamp) -> bool {
    let direct = matches!(entry.conversation, crate::ids::ConversationId::Direct(_));
    direct && entry.state != HeadState::Settled && now.millis_since(head.at) >= SETTLE_AFTER_MS
}

/// The protocol of one settler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settle {
    version: u64,
    stored: bool,
}

impl Settle {
    /// Begins with an entry that is not settled.
    pub const fn start(entry: &InboxEntry) -> (Self, Step) {
        let version = entry.version;
        (Self { version: version + 1, stored: false }, Step::Call(Call::Mark { version }))
    }
}

impl Protocol for Settle {
    type Call = Call;
    type Seen = Seen;
    type Answer = ();
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, _: Timestamp) -> Step {
        match seen {
            Seen::Written(true) if !self.stored => Step::Call(Call::ReadHead),
            Seen::Head(head) => {
                self.stored = true;
                Step::Call(Call::Settle { version: self.version, head })
            }
            Seen::Written(_) | Seen::Failed => Step::Done(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ConversationId, UserId};

    #[test]
    fn marks_reads_and_settles_in_that_order() {
        let conversation = ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2));
        let head = Head::none(conversation);
        let entry = InboxEntry { state: HeadState::Settling, version: 4, ..InboxEntry::new(conversation) };
        let (mut settle, step) = Settle::start(&entry);
        assert_eq!(step, Step::Call(Call::Mark { version: 4 }));
        assert_eq!(settle.next(Seen::Written(true), Timestamp::EPOCH), Step::Call(Call::ReadHead));
        assert_eq!(settle.next(Seen::Head(head), Timestamp::EPOCH), Step::Call(Call::Settle { version: 5, head }));
        assert_eq!(settle.next(Seen::Written(true), Timestamp::EPOCH), Step::Done(()));
        let (mut lost, _) = Settle::start(&entry);
        assert_eq!(lost.next(Seen::Written(false), Timestamp::EPOCH), Step::Done(()));
    }
}
