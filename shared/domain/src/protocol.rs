//! What all protocols have in common: each is a state machine that names its next call. Whoever drives it makes the
//! call, against a table or against a model, and hands back what it saw.

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
