//! What holds for the queues wherever they are made: on AWS by the template, on one machine by the local cloud.

use crate::{Function, QueueName};

/// A record that a function works on is hidden for this many times its time-out. Source: Lambda, "Using Lambda with
/// Amazon SQS".
const VISIBILITY_TIMEOUTS: u32 = 6;

/// The time-out taken for a kind that no function reads, in seconds. Nothing receives from it, so any would do.
const TIMEOUT_WITHOUT_READER_S: u32 = 30;

/// How often a record is tried before it goes to the dead-letter queue: Lambda's documentation asks for five at least,
/// because a mapping that is throttled uses tries up, too.
pub const RECEIVES: u32 = 5;

/// How long what failed waits for somebody to look at it, in seconds: 14 days, as long as SQS allows.
pub const DEAD_RETENTION_S: u32 = 14 * 24 * 60 * 60;

impl QueueName {
    /// Every kind there is.
    pub const ALL: [Self; 3] = [Self::Fanout, Self::Retry, Self::Task];

    /// The short names of the queues of this kind: `fanout-0` and so on, or one that is called as its kind.
    pub fn queues(self, shards: u32) -> Vec<String> {
        match self {
            Self::Fanout => (0..shards).map(|shard| format!("{}-{shard}", self.as_str())).collect(),
            Self::Retry | Self::Task => vec![self.as_str().to_owned()],
        }
    }

    /// For how long the queues of this kind hide a record that is worked on, in seconds: six times the longest
    /// time-out of the functions that read them.
    pub fn visibility_s(self, functions: &[Function]) -> u32 {
        let reads = |function: &&Function| function.manifest.queues.iter().any(|queue| queue.name == self);
        let longest = functions.iter().filter(reads).map(|function| function.manifest.timeout_s).max();
        longest.unwrap_or(TIMEOUT_WITHOUT_READER_S) * VISIBILITY_TIMEOUTS
    }
}
