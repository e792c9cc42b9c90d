//! Event source mappings: they poll a queue and call a function with batches of its records.
//!
//! As on Lambda: a batch is up to `batch_size` records or as many as come within the batch window; at most
//! `maximum_concurrency` calls run at once; what the function reports as failed stays in the queue and comes again,
//! the rest is deleted; an answer that can't be understood, or names a record that wasn't in the batch, fails the
//! whole batch; after too many tries the queue moves a record to its dead-letter queue.
//!
//! Unlike Lambda: one poller, not five; and a failed record comes again after [`Limits::failed_visibility_s`].

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rustack_sqs_model::input::{ChangeMessageVisibilityBatchInput, DeleteMessageBatchInput, ReceiveMessageInput};
use rustack_sqs_model::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tidings_manifest::QueueSource;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::queues::Queue;
use super::{RECEIVE_MAX, Sqs};
use crate::caller::Caller;
use crate::faults::Disturbed;
use crate::front::{Call, Service};
use crate::host::{Host, InvokeError, REGION};
use crate::ledger::{Counters, prices};
use crate::limits::Limits;
use crate::say::Loudness;

/// The longest that a receive waits, in seconds. Source: SQS, long polling.
const LONGEST_POLL_S: i32 = 20;
/// The most bytes of records in one call. Source: Lambda quotas, invocation payload; some room for the envelope.
const BATCH_BYTES: usize = 5 * 1024 * 1024;

/// One mapping: a queue to a function.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// The service.
    pub sqs: Arc<Sqs>,
    /// Where the function runs.
    pub host: Arc<Host>,
    /// Which function.
    pub function: String,
    /// From which queue.
    pub queue: Queue,
    /// In what portions.
    pub source: QueueSource,
    /// The cloud's limits.
    pub limits: Limits,
    /// How much is said of failures.
    pub loudness: Loudness,
}

/// What a function reports (`ReportBatchItemFailures`).
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    #[serde(default)]
    batch_item_failures: Option<Vec<Failure>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    item_identifier: String,
}

impl Mapping {
    /// Polls until the end.
    pub(crate) async fn run(self: Arc<Self>) {
        let concurrency = usize::try_from(self.source.maximum_concurrency).unwrap_or(usize::MAX);
        let slots = Arc::new(Semaphore::new(concurrency));
        let caller = Caller::new(format!("queue:{}", self.queue.name));
        loop {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let batch = self.gather(&caller).await;
            if batch.is_empty() {
                continue;
            }
            let mapping = Arc::clone(&self);
            let caller = caller.clone();
            let slots = Arc::clone(&slots);
            tokio::spawn(async move {
                mapping.hand_over(&caller, batch, slots).await;
                drop(slot);
            });
        }
    }

    /// Gives a batch to the function, with what the fault switch makes of it.
    async fn hand_over(self: &Arc<Self>, caller: &Caller, batch: Vec<Message>, slots: Arc<Semaphore>) {
        // Until the last twin is through: by then the queue may have no record any more.
        let _under_way = self.sqs.front.activity().begin();
        let disturbed = if self.is_spared(&batch) {
            Disturbed::undisturbed(batch)
        } else {
            self.sqs.front.faults().of_batch(batch, self.batch_size())
        };
        for (time, message) in disturbed.held {
            let mapping = Arc::clone(self);
            let caller = caller.clone();
            let slots = Arc::clone(&slots);
            let under_way = self.sqs.front.activity().begin();
            tokio::spawn(async move {
                let _under_way = under_way;
                tokio::time::sleep(time).await;
                if let Ok(_slot) = slots.acquire_owned().await {
                    mapping.work_off(&caller, &[message], &[]).await;
                }
            });
        }
        self.show_again(&disturbed.dropped.iter().collect::<Vec<_>>()).await;
        if !disturbed.batch.is_empty() {
            self.work_off(caller, &disturbed.batch, &disturbed.undeleted).await;
        }
        if !disturbed.twins.is_empty() {
            // What comes of it doesn't count: the first ones are deleted, or come again.
            let _ = self.call(caller, &disturbed.twins).await;
        }
    }

    /// Whether a batch has a record with few tries left. Nothing is injected into that batch and the call that works
    /// on it, so no fault of ours brings a record to the dead-letter queue.
    fn is_spared(&self, batch: &[Message]) -> bool {
        let receives = |message: &Message| message.attributes.get("ApproximateReceiveCount")?.parse::<u32>().ok();
        batch.iter().any(|message| receives(message).is_none_or(|receives| receives + 1 >= self.limits.receives))
    }

    fn batch_size(&self) -> usize {
        usize::try_from(self.source.batch_size).unwrap_or(RECEIVE_MAX.into())
    }

    /// One batch; empty if nothing came for a whole poll.
    async fn gather(&self, caller: &Caller) -> Vec<Message> {
        let size = self.batch_size();
        let mut batch = self.receive(caller, size, LONGEST_POLL_S).await;
        let window = Duration::from_secs(self.source.batch_window_s.into());
        if batch.is_empty() || window.is_zero() {
            return batch;
        }
        // The window opens with the first record.
        let closes = Instant::now() + window;
        let bytes = |batch: &[Message]| {
            batch.iter().filter_map(|message| message.body.as_ref()).map(String::len).sum::<usize>()
        };
        while batch.len() < size && bytes(&batch) < BATCH_BYTES {
            let left = closes.saturating_duration_since(Instant::now());
            let Ok(wait_s @ 1..) = i32::try_from(left.as_millis().div_ceil(1000)) else { break };
            // Never dropped, though it may take up to a second too long: records that it was just given would be in
            // work with nobody.
            batch.extend(self.receive(caller, size - batch.len(), wait_s).await);
        }
        batch
    }

    async fn receive(&self, caller: &Caller, most: usize, wait_s: i32) -> Vec<Message> {
        let input = ReceiveMessageInput {
            queue_url: self.queue.url.clone(),
            max_number_of_messages: i32::try_from(most.min(RECEIVE_MAX.into())).ok(),
            wait_time_seconds: Some(wait_s),
            attribute_names: vec!["All".to_owned()],
            message_attribute_names: vec!["All".to_owned()],
            ..ReceiveMessageInput::default()
        };
        let call = Call { service: Service::Sqs, operation: "ReceiveMessage", caller };
        let received = match self.sqs.store.receive(input).await {
            Ok(messages) => messages,
            Err(error) => {
                // The queue was deleted, or the cloud is ending. Neither shall make a busy loop.
                self.loudness.verbose(&format!("{}: {error}", self.queue.name));
                tokio::time::sleep(Duration::from_secs(1)).await;
                Vec::new()
            }
        };
        let bill = if received.is_empty() {
            Counters { empty_polls: 1, ..Counters::default() }
        } else {
            let bytes = received.iter().filter_map(|message| message.body.as_ref()).map(String::len).sum();
            Counters { queue_requests: prices::pieces(bytes, prices::QUEUE_PIECE), ..Counters::default() }
        };
        self.book(call, &bill);
        received
    }

    /// Calls the function with a batch.
    async fn call(&self, caller: &Caller, batch: &[Message]) -> Result<Bytes, InvokeError> {
        let call = Call { service: Service::Sqs, operation: "Batch", caller };
        self.sqs.front.book(call, &Counters { count: 1, ..Counters::default() });
        let caller = if self.is_spared(batch) { caller.clone().spared() } else { caller.clone() };
        self.host.invoke(&self.function, self.event(batch).to_string().into(), &caller).await
    }

    /// Calls the function with a batch and deletes what it has done, but for those that are to come again.
    async fn work_off(&self, caller: &Caller, batch: &[Message], undeleted: &[Message]) {
        let answer = self.call(caller, batch).await;
        let all: HashSet<&str> = batch.iter().filter_map(|message| message.message_id.as_deref()).collect();
        let failed = match &answer {
            Ok(answer) => failures(answer, &all),
            Err(_) => None,
        };
        if failed.as_ref().is_none_or(|failed| !failed.is_empty()) {
            let count = failed.as_ref().map_or(batch.len(), HashSet::len);
            let what = if answer.is_err() { "failed" } else { "reported" };
            self.loudness.verbose(&format!(
                "{}: {} {what} {count} of {} records",
                self.queue.name,
                self.function,
                batch.len()
            ));
        }
        let is_failed = |message: &Message| match (&failed, &message.message_id) {
            (Some(failed), Some(id)) => failed.contains(id),
            _ => true,
        };
        let stays = |message: &Message| undeleted.iter().any(|other| other.message_id == message.message_id);
        let (again, done): (Vec<_>, Vec<_>) = batch.iter().partition(|message| is_failed(message) || stays(message));
        for some in done.chunks(RECEIVE_MAX.into()) {
            self.delete(caller, some).await;
        }
        self.show_again(&again).await;
    }

    async fn delete(&self, caller: &Caller, messages: &[&Message]) {
        let entries = messages
            .iter()
            .enumerate()
            .map(|(n, message)| DeleteMessageBatchRequestEntry {
                id: n.to_string(),
                receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
            })
            .collect();
        let input = DeleteMessageBatchInput { queue_url: self.queue.url.clone(), entries };
        let call = Call { service: Service::Sqs, operation: "DeleteMessageBatch", caller };
        // What isn't deleted comes again, and that is what at-least-once means.
        let _ = self.sqs.store.delete(input).await;
        self.book(call, &Counters { queue_requests: 1, ..Counters::default() });
    }

    /// Lambda reads a queue in the name of the function that it feeds: the function's role must allow it.
    fn book(&self, call: Call<'_>, bill: &Counters) {
        self.sqs.front.ledger().note(&self.function, self.sqs.right(call.operation, &self.queue.url));
        self.sqs.front.book(call, bill);
    }

    /// Has records come again soon. Ours alone, and so not booked: somebody sits before the laptop and waits.
    async fn show_again(&self, messages: &[&Message]) {
        let Some(seconds) = self.limits.failed_visibility_s else { return };
        for some in messages.chunks(RECEIVE_MAX.into()) {
            self.show_some(some, seconds).await;
        }
    }

    async fn show_some(&self, messages: &[&Message], seconds: u32) {
        let entries = messages
            .iter()
            .enumerate()
            .map(|(n, message)| ChangeMessageVisibilityBatchRequestEntry {
                id: n.to_string(),
                receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
                visibility_timeout: i32::try_from(seconds).unwrap_or(i32::MAX),
            })
            .collect();
        let input = ChangeMessageVisibilityBatchInput { queue_url: self.queue.url.clone(), entries };
        let _ = self.sqs.store.show(input).await;
    }

    fn event(&self, batch: &[Message]) -> Value {
        let records: Vec<_> = batch.iter().map(|message| self.record(message)).collect();
        json!({ "Records": records })
    }

    fn record(&self, message: &Message) -> Value {
        let attributes: serde_json::Map<_, _> =
            message.message_attributes.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": message.attributes,
            "messageAttributes": attributes,
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": self.queue.arn,
            "awsRegion": REGION,
        })
    }
}

fn attribute(value: &MessageAttributeValue) -> Value {
    json!({
        "stringValue": value.string_value,
        "binaryValue": value.binary_value.as_ref().map(|bytes| STANDARD.encode(bytes)),
        "stringListValues": [],
        "binaryListValues": [],
        "dataType": value.data_type,
    })
}

/// Which records failed; `None` if the answer makes no sense, which fails them all.
fn failures(answer: &[u8], all: &HashSet<&str>) -> Option<HashSet<String>> {
    let report = serde_json::from_slice::<Option<Report>>(answer).ok()?.unwrap_or_default();
    let failed: HashSet<_> =
        report.batch_item_failures.unwrap_or_default().into_iter().map(|failure| failure.item_identifier).collect();
    failed.iter().all(|id| all.contains(id.as_str())).then_some(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_as_lambda_reads_them() {
        let all = HashSet::from(["a", "b"]);
        let failed = |ids: &[&str]| Some(ids.iter().map(|&id| id.to_owned()).collect::<HashSet<_>>());
        for (answer, expected) in [
            ("null", failed(&[])),
            ("{}", failed(&[])),
            (r#"{"batchItemFailures":null}"#, failed(&[])),
            (r#"{"batchItemFailures":[]}"#, failed(&[])),
            (r#"{"batchItemFailures":[{"itemIdentifier":"b"}]}"#, failed(&["b"])),
            // These fail the whole batch.
            (r#"{"batchItemFailures":[{"itemIdentifier":"c"}]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":""}]}"#, None),
            (r#"{"batchItemFailures":[{"itemIdentifier":null}]}"#, None),
            (r#"{"batchItemFailures":[{"wrong":"b"}]}"#, None),
            ("nonsense", None),
        ] {
            assert_eq!(failures(answer.as_bytes(), &all), expected, "{answer}");
        }
    }
}
