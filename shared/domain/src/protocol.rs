//! What all protocols have in common: each is a state machine that names its next call. Whoever drives it makes the
//! call, against a table or against a model, and hands back what it saw.

use crate::limits::{BACKOFF_MAX_MS, BACKOFF_UNIT_MS};
use crate::time::Timestamp;

/// What a protocol wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step<C, A> {
    /// Make this call.
    Call(C),
    /// Finished, with this answer.
    Done(A),
}

/// A protocol under way.
pub trait Protocol {
    /// What it asks for.
    type Call;
    /// What a call shows.
    type Seen;
    /// What it ends with.
    type Answer;
    /// A call that failed, or whose outcome is unknown.
    const FAILED: Self::Seen;

    /// Goes on with what the last call showed at `now`.
    fn next(&mut self, seen: Self::Seen, now: Timestamp) -> Step<Self::Call, Self::Answer>;
}

/// How long to wait before the same is tried again, and until when: doubled with each loss.
///
/// Who collides waits in units of what an attempt takes, as on a shared wire: a shorter unit only means more attempts in
/// vain, each of which slows down all others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BackOff {
    losses: u32,
    /// When the present attempt began.
    began: Timestamp,
    /// When there is no time left.
    deadline: Timestamp,
}

impl BackOff {
    /// Nothing has been lost.
    pub(crate) const fn new(began: Timestamp, deadline: Timestamp) -> Self {
        Self { losses: 0, began, deadline }
    }

    /// Whether there is no time left.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        now >= self.deadline
    }

    /// An attempt begins.
    pub(crate) const fn begin(&mut self, now: Timestamp) {
        self.began = now;
    }

    /// What was tried has been done. What comes next has losses of its own.
    pub(crate) const fn won(&mut self) {
        self.losses = 0;
    }

    /// The upper bound of the wait after an attempt that somebody else was faster than, in milliseconds.
    pub(crate) fn collided(&mut self, now: Timestamp) -> u64 {
        self.lost(2 * now.millis_since(self.began), now)
    }

    /// The upper bound of the wait after a call that failed, in milliseconds.
    pub(crate) fn failed(&mut self, now: Timestamp) -> u64 {
        self.lost(BACKOFF_UNIT_MS, now)
    }

    fn lost(&mut self, unit_ms: u64, now: Timestamp) -> u64 {
        self.losses = self.losses.saturating_add(1);
        let doubled = 1_u64.checked_shl(self.losses).unwrap_or(u64::MAX);
        let bound_ms = unit_ms.max(BACKOFF_UNIT_MS).saturating_mul(doubled).min(BACKOFF_MAX_MS);
        // Whoever waits to the end has waited in vain.
        bound_ms.min(self.deadline.millis_since(now))
    }
}
