//! What is to happen when. A timer that has lost its meaning meanwhile is found out when it fires.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tidings_domain::ids::ConversationId;
use tokio::time::Instant;

/// Something whose time comes. Those of a connection name its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Try to connect again.
    Reopen(u64),
    /// Keep the connection from being idle.
    Ping(u64),
    /// Give the connection up for a new one before the gateway does.
    Renew(u64),
    /// The connection has proved itself.
    Stable(u64),
    /// Sync again, as was planned.
    Sync(u64),
    /// Sync again, in case the last push was lost.
    Recheck(u64),
    /// Look whether a gap is still there.
    Gap(ConversationId),
    /// The rest of an outbox is over.
    Rested(ConversationId),
    /// An attempt has not been answered: its request and try.
    Unanswered(ConversationId, u64, u32),
    /// A call has not been answered, or is to be tried again: its request and try.
    Call(u64, u32),
    /// Tell the server how far I have read.
    Read(ConversationId),
}

/// Timers in the order of their time.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, Timer)>>,
}

impl Timers {
    pub(super) fn at(&mut self, when: Instant, timer: Timer) {
        self.heap.push(Reverse((when, timer)));
    }

    /// When the next one fires.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((when, _))| *when)
    }

    /// One whose time has come.
    pub(super) fn pop(&mut self, now: Instant) -> Option<Timer> {
        self.next().filter(|when| *when <= now)?;
        self.heap.pop().map(|Reverse((_, timer))| timer)
    }
}
