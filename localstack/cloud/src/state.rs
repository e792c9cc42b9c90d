//! What the cloud holds at a moment: records in queues, calls and processes of functions, open sockets, and work
//! between them. For tests that wait until it has come to rest, and for people who want to know why it has not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sqs::queues::DEAD_LETTERS;

/// What the cloud holds at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// By short name, as [`crate::Endpoints::queues`]: `fanout-0`, `fanout-0-dlq`.
    pub queues: BTreeMap<String, QueueState>,
    /// By name.
    pub functions: BTreeMap<String, FunctionState>,
    /// Sockets that are up.
    pub sockets: usize,
    /// Function calls, batches of records, and sockets that open or end, from their first moment to their last: also
    /// while they are between two hands, or late by injection, and so in no function's count.
    pub under_way: usize,
}

impl State {
    /// Dead-letter queues that hold something, and how much.
    pub fn dead(&self) -> Vec<(&str, u64)> {
        self.filled(true)
    }

    /// What keeps it from being at rest, a few words each: records on their way, functions with work, and what is on its
    /// way to them.
    pub fn unrest(&self) -> Vec<String> {
        let records = self.filled(false).into_iter().map(|(name, records)| format!("{name}: {records} records"));
        let working = self.functions.iter().filter(|(_, it)| it.waiting + it.working > 0);
        let calls = working.map(|(name, it)| format!("{name}: {} calls wait, {} in work", it.waiting, it.working));
        let under_way = (self.under_way > 0).then(|| format!("{} calls or batches under way", self.under_way));
        records.chain(calls).chain(under_way).collect()
    }

    fn filled(&self, dead: bool) -> Vec<(&str, u64)> {
        let queues = self.queues.iter().filter(|(name, _)| name.ends_with(DEAD_LETTERS) == dead);
        queues.map(|(name, queue)| (name.as_str(), queue.records())).filter(|(_, records)| *records > 0).collect()
    }
}

/// How many records a queue holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
