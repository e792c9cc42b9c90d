//! What the cloud holds at a moment: records in queues, calls and processes of functions, open sockets. For tests
//! that wait until it has come to rest, and for people who want to know why it has not.

use std::collections::BTreeMap;

use serde::Serialize;

/// What the cloud holds at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    /// By short name, as [`crate::Endpoints::queues`]: `fanout-0`, `fanout-0-dlq`.
    pub queues: BTreeMap<String, QueueState>,
    /// By name.
    pub functions: BTreeMap<String, FunctionState>,
    /// Sockets that are up.
    pub sockets: usize,
}

/// How many records a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct QueueState {
    /// Waiting for a receiver.
    pub visible: u64,
    /// Received and not deleted; they come again after the visibility time-out.
    pub in_flight: u64,
    /// Sent with a delay that isn't over.
    pub delayed: u64,
}

impl QueueState {
    /// Records in all.
    pub fn records(self) -> u64 {
        self.visible + self.in_flight + self.delayed
    }
}

/// What one function is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FunctionState {
    /// Calls that no environment has taken yet.
    pub waiting: usize,
    /// Environments that have not asked for work yet.
    pub starting: usize,
    /// Environments with a call in work.
    pub working: usize,
    /// Environments without: frozen, or about to ask for more.
    pub idle: usize,
}
