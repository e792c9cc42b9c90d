//! The queues that there are: one for each fan-out shard, one for retries, one for tasks, and a dead-letter queue
//! for each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures_util::future::join_all;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::CreateQueueInput;
use tidings_manifest::{DEAD_RETENTION_S, QueueName};

use super::{Sqs, Store};
use crate::host::{ACCOUNT, REGION};
use crate::names::Names;
use crate::state::QueueState;

/// One queue with its dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// What it is for.
    pub kind: QueueName,
    /// `fanout-0`, `retry`, `task`.
    pub name: String,
    /// Its URL.
    pub url: String,
    /// Its ARN.
    pub arn: String,
    /// Its dead-letter queue's URL.
    pub dead_letter_url: String,
    /// Left over from a start with more shards: what waits in it is worked off, and nothing new comes in.
    pub left_over: bool,
}

/// After a queue's name: its dead-letter queue.
pub(crate) const DEAD_LETTERS: &str = "-dlq";

/// The names of all queues for so many shards.
pub(crate) fn names(shards: u32) -> Vec<(QueueName, String)> {
    let of = |kind: QueueName| kind.queues(shards).into_iter().map(move |name| (kind, name));
    QueueName::ALL.into_iter().flat_map(of).collect()
}

/// The dead-letter queue of one of our queues, by their full names.
pub(super) fn dead_letters(queue: &str) -> Option<String> {
    (is_ours(queue) && !is_dead_letters(queue)).then(|| format!("{queue}{DEAD_LETTERS}"))
}

/// Whether a full name is that of one of our dead-letter queues.
pub(super) fn is_dead_letters(queue: &str) -> bool {
    is_ours(queue) && queue.ends_with(DEAD_LETTERS)
}

/// Only embedded queues have a journal that asks, and those have the usual names.
fn is_ours(queue: &str) -> bool {
    Names::default().short(queue).is_some()
}

/// Whether a queue of that name is first in, first out.
pub(super) fn is_fifo(queue: &str) -> bool {
    queue.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo")
}

/// The fan-out shard that a full name, or its dead-letter queue's, is of.
fn shard(names: &Names, queue: &str) -> Option<u32> {
    let name = names.short(queue)?;
    name.strip_suffix(DEAD_LETTERS).unwrap_or(name).strip_prefix("fanout-")?.parse().ok()
}

impl Sqs {
    /// Creates all queues, and those that messages wait in from earlier. The visibility time-out is per kind, in
    /// seconds: six times the time-out of the function that reads it.
    pub(crate) async fn create_queues(
        &self,
        shards: u32,
        receives: u32,
        visibility_s: impl Fn(QueueName) -> u32,
    ) -> Result<Vec<Queue>, SqsError> {
        let mut queues = Vec::new();
        let waiting = self.store.earlier(&self.names).await?;
        let left_over: BTreeSet<_> =
            waiting.iter().filter_map(|queue| shard(&self.names, queue)).filter(|shard| *shard >= shards).collect();
        let left_over = left_over.into_iter().map(|shard| (QueueName::Fanout, format!("fanout-{shard}"), true));
        let own = names(shards).into_iter().map(|(kind, name)| (kind, name, false));
        for (kind, name, left_over) in own.chain(left_over) {
            let full_name = self.names.full(&name);
            let dead_letters = format!("{full_name}{DEAD_LETTERS}");
            let dead_letter_url =
                self.create(&dead_letters, [("MessageRetentionPeriod", DEAD_RETENTION_S.to_string())]).await?;
            let dead_letter_arn = self.arn(&dead_letter_url, &dead_letters).await?;
            let redrive = serde_json::json!({"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": receives});
            let attributes =
                [("VisibilityTimeout", visibility_s(kind).to_string()), ("RedrivePolicy", redrive.to_string())];
            let url = self.create(&full_name, attributes).await?;
            let arn = self.arn(&url, &full_name).await?;
            queues.push(Queue { kind, name, url, arn, dead_letter_url, left_over });
        }
        // Any other queue comes back for its messages with default settings, which aren't kept: somebody made it
        // themselves. Those that are here already stay as they are.
        if matches!(self.store, Store::Backend(_)) {
            return Ok(queues);
        }
        for name in &waiting {
            // Only FIFO queues know this, and without it they take no message that brings no id for it.
            let fifo = is_fifo(name).then(|| ("ContentBasedDeduplication", "true".to_owned()));
            match self.create(name, fifo).await {
                Ok(_) => {}
                // There never was one, only somebody who sent to it and was refused.
                Err(error) if error.code.is_sender_fault() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(queues)
    }

    /// How many records each of them holds, dead-letter queues included, by short name, and how many could not be
    /// asked. A queue that somebody has deleted is left out.
    pub(crate) async fn states(&self, queues: &[Queue]) -> (BTreeMap<String, QueueState>, usize) {
        // All at once, because a backend is a call away; but a dead-letter queue after its queue, or a record that moves
        // meanwhile would be in neither.
        let pairs = queues.iter().map(async |queue| {
            let first = self.read(&queue.url).await;
            let second = self.read(&queue.dead_letter_url).await;
            [(queue.name.clone(), first), (format!("{}{DEAD_LETTERS}", queue.name), second)]
        });
        let (mut states, mut unanswered) = (BTreeMap::new(), 0);
        for (name, state) in join_all(pairs).await.into_iter().flatten() {
            match state {
                Ok(Some(state)) => drop(states.insert(name, state)),
                Ok(None) => {}
                Err(_) => unanswered += 1,
            }
        }
        (states, unanswered)
    }

    /// How many records a queue holds; nothing if there is no such queue.
    async fn read(&self, url: &str) -> Result<Option<QueueState>, SqsError> {
        let attributes = match self.store.attributes(url).await {
            Ok(attributes) => attributes,
            Err(error) if error.code.is_sender_fault() => return Ok(None),
            Err(error) => return Err(error),
        };
        let number = |name: &str| attributes.get(name).and_then(|number| number.parse().ok()).unwrap_or_default();
        Ok(Some(QueueState {
            visible: number("ApproximateNumberOfMessages"),
            in_flight: number("ApproximateNumberOfMessagesNotVisible"),
            delayed: number("ApproximateNumberOfMessagesDelayed"),
        }))
    }

    async fn create(
        &self,
        name: &str,
        attributes: impl IntoIterator<Item = (&str, String)>,
    ) -> Result<String, SqsError> {
        let attributes = attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        self.store.create(CreateQueueInput { queue_name: name.to_owned(), attributes, tags: HashMap::new() }).await
    }

    /// A queue's ARN; in whose account a backend's queues are is its own business.
    async fn arn(&self, url: &str, full_name: &str) -> Result<String, SqsError> {
        let known = self.store.attributes(url).await?.remove("QueueArn");
        Ok(known.unwrap_or_else(|| format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{full_name}")))
    }
}

/// Queue URLs by short name, dead-letter queues included: what `/_local/endpoints` says.
pub(crate) fn urls(queues: &[Queue]) -> BTreeMap<String, String> {
    queues
        .iter()
        .flat_map(|queue| {
            let dead_letters = format!("{}{DEAD_LETTERS}", queue.name);
            [(queue.name.clone(), queue.url.clone()), (dead_letters, queue.dead_letter_url.clone())]
        })
        .collect()
}
