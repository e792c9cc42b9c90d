//! Tasks: what finishes a request that stopped half-way.
//!
//! A task is the request itself, to be made again some seconds later by the task queue's worker. Requests are
//! idempotent under their client ids (IDEM-1), so a task that comes twice, late, or after its request was finished
//! after all, changes nothing.

use crate::ids::{ConversationId, UserId};
use crate::log::{Draft, Seq};

/// A request to finish.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Messages that are in the log, but perhaps not visible yet and not delivered.
    Send(Unfinished),
}

/// What is left of a `message.send`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Unfinished {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub sender: UserId,
    /// As the request had it.
    pub after: Option<Seq>,
    /// Those drafts of the request that have their place in the log.
    pub drafts: Vec<Draft>,
}
