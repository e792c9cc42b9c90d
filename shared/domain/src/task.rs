//! Tasks: what finishes a request that stopped half-way.
//!
//! A task is the request itself, to be made again some seconds later by the task queue's worker. Requests are
//! idempotent under their client ids (IDEM-1), so a task that comes twice, late, or after its request was finished
//! after all, changes nothing.

use crate::send;

/// A request to finish.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Task {
    /// Messages that are in the log, but perhaps not visible yet and not delivered. Nobody waits for the answer.
    Send(send::Request),
}
