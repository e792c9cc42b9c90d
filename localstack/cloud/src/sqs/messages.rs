//! The ways into the queues and out of them. Each passes the journal, if there is one: nothing may send, receive,
//! delete or purge past [`Messages`].

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_core::queue::extract_queue_name;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    DeleteMessageBatchInput, DeleteMessageInput, DeleteQueueInput, GetQueueUrlInput, PurgeQueueInput,
    ReceiveMessageInput, SendMessageBatchInput, SendMessageInput,
};
use rustack_sqs_model::output::{
    DeleteMessageBatchOutput, DeleteMessageOutput, DeleteQueueOutput, PurgeQueueOutput, ReceiveMessageOutput,
    SendMessageBatchOutput, SendMessageOutput,
};
use rustack_sqs_model::types::SendMessageBatchRequestEntry;
use tokio::sync::RwLock;

use super::journal::{Journal, Row};
use super::queues;
use crate::clock::now_ms;

/// The longest that a message is delayed, in seconds. Source: SQS, "delay queues".
const LONGEST_DELAY_S: i32 = 900;
/// The most messages of one receive. Source: SQS quotas.
const RECEIVE_MAX: i32 = 10;

/// The messages in all queues.
#[derive(Debug, Clone)]
pub(crate) struct Messages {
    provider: Arc<RustackSqs>,
    journal: Option<Arc<Journal>>,
    /// How often a message is tried before it goes to its dead-letter queue.
    receives: u32,
    /// Held by each send from the journal to the queue and back, because a message can be received before its sender
    /// knows its id. Who has the lock alone finds every message that was received in the journal.
    sends: Arc<RwLock<()>>,
}

impl Messages {
    /// Without a path, without a journal.
    pub(super) fn open(provider: Arc<RustackSqs>, path: Option<&Path>, receives: u32) -> rusqlite::Result<Self> {
        let journal = path.map(Journal::open).transpose()?.map(Arc::new);
        Ok(Self { provider, journal, receives, sends: Arc::default() })
    }

    /// Whether there is a journal.
    pub(super) fn are_kept(&self) -> bool {
        self.journal.is_some()
    }

    /// The names of the queues that messages wait in from earlier.
    pub(super) fn queues(&self) -> Result<Vec<String>, SqsError> {
        self.journal.as_ref().map_or_else(|| Ok(Vec::new()), |journal| journal.queues().map_err(failed))
    }

    /// Puts what waits in the journal back into its queues, which must be there. Says how many messages.
    pub(super) async fn put_back(&self) -> Result<usize, SqsError> {
        let Some(journal) = &self.journal else { return Ok(0) };
        let mut outcomes = Vec::new();
        for waiting in journal.waiting().map_err(failed)? {
            let mut input: SendMessageInput = serde_json::from_str(&waiting.message).map_err(failed)?;
            let queue = GetQueueUrlInput { queue_name: waiting.queue, ..GetQueueUrlInput::default() };
            // Its port may be another than the last time.
            input.queue_url = self.provider.get_queue_url(queue).await?.queue_url.unwrap_or_default();
            let left_s = waiting.due_ms.saturating_sub(now_ms()).div_ceil(1000);
            let left_s = i32::try_from(left_s).unwrap_or(LONGEST_DELAY_S).min(LONGEST_DELAY_S);
            input.delay_seconds = (left_s > 0).then_some(left_s);
            outcomes.push((waiting.row, self.provider.send_message(input).await?.message_id));
        }
        let count = outcomes.len();
        journal.settle(outcomes).map_err(failed)?;
        Ok(count)
    }

    pub(super) async fn send(&self, input: SendMessageInput) -> Result<SendMessageOutput, SqsError> {
        let Some(journal) = self.journal.clone() else { return self.provider.send_message(input).await };
        let messages = self.clone();
        whole(async move {
            let _sending = messages.sends.read().await;
            let rows = write(&journal, &input.queue_url, [&input])?;
            let sent = messages.provider.send_message(input).await;
            let id = sent.as_ref().ok().and_then(|sent| sent.message_id.clone());
            journal.settle(rows.into_iter().map(|row| (row, id.clone()))).map_err(failed)?;
            sent
        })
        .await
    }

    pub(super) async fn send_batch(&self, input: SendMessageBatchInput) -> Result<SendMessageBatchOutput, SqsError> {
        let Some(journal) = self.journal.clone() else { return self.provider.send_message_batch(input).await };
        let messages = self.clone();
        whole(async move {
            let _sending = messages.sends.read().await;
            let singles: Vec<_> = input.entries.iter().map(|entry| single(&input.queue_url, entry)).collect();
            let rows = write(&journal, &input.queue_url, &singles)?;
            let names: Vec<_> = input.entries.iter().map(|entry| entry.id.clone()).collect();
            let sent = messages.provider.send_message_batch(input).await;
            let id = |name: &str| {
                let mut successful = sent.iter().flat_map(|sent| &sent.successful);
                successful.find(|entry| entry.id == name).map(|entry| entry.message_id.clone())
            };
            journal.settle(rows.into_iter().zip(names.iter().map(|name| id(name)))).map_err(failed)?;
            sent
        })
        .await
    }

    pub(super) async fn receive(&self, input: ReceiveMessageInput) -> Result<ReceiveMessageOutput, SqsError> {
        let queue_url = input.queue_url.clone();
        let received = self.provider.receive_message(input).await?;
        if let Some(journal) = &self.journal
            && !received.messages.is_empty()
        {
            let queue = name(&queue_url);
            let ids = received.messages.iter().filter_map(|message| message.message_id.as_deref());
            let dead_letters = queues::dead_letters(queue);
            let _known = self.sends.write().await;
            // An error would hide the messages from everybody. So a try isn't counted.
            let _ = journal.received(queue, ids, dead_letters.as_deref().map(|name| (name, self.receives)));
        }
        Ok(received)
    }

    pub(super) async fn delete(&self, input: DeleteMessageInput) -> Result<DeleteMessageOutput, SqsError> {
        let id = message_id(&input.receipt_handle);
        let deleted = self.provider.delete_message(input).await?;
        self.note_deleted(id).await?;
        Ok(deleted)
    }

    pub(super) async fn delete_batch(
        &self,
        input: DeleteMessageBatchInput,
    ) -> Result<DeleteMessageBatchOutput, SqsError> {
        let ids: Vec<_> = input.entries.iter().filter_map(|entry| message_id(&entry.receipt_handle)).collect();
        let deleted = self.provider.delete_message_batch(input).await?;
        self.note_deleted(ids).await?;
        Ok(deleted)
    }

    pub(super) async fn purge(&self, input: PurgeQueueInput) -> Result<PurgeQueueOutput, SqsError> {
        let Some(journal) = &self.journal else { return self.provider.purge_queue(input).await };
        let queue = name(&input.queue_url).to_owned();
        if queues::is_dead_letters(&queue) {
            self.find_all(&input.queue_url).await?;
        }
        let _alone = self.sends.write().await;
        let purged = self.provider.purge_queue(input).await?;
        journal.purged(&queue).map_err(failed)?;
        Ok(purged)
    }

    pub(super) async fn delete_queue(&self, input: DeleteQueueInput) -> Result<DeleteQueueOutput, SqsError> {
        let Some(journal) = &self.journal else { return self.provider.delete_queue(input).await };
        let queue = name(&input.queue_url).to_owned();
        let _alone = self.sends.write().await;
        let deleted = self.provider.delete_queue(input).await?;
        journal.purged(&queue).map_err(failed)?;
        Ok(deleted)
    }

    /// Receives whatever a dead-letter queue shows, so that the journal knows which messages it holds: the queues
    /// move them there by themselves, and say nothing.
    async fn find_all(&self, queue_url: &str) -> Result<(), SqsError> {
        loop {
            let input = ReceiveMessageInput {
                queue_url: queue_url.to_owned(),
                max_number_of_messages: Some(RECEIVE_MAX),
                ..ReceiveMessageInput::default()
            };
            if self.receive(input).await?.messages.is_empty() {
                return Ok(());
            }
        }
    }

    async fn note_deleted(&self, ids: impl IntoIterator<Item = String>) -> Result<(), SqsError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let ids: Vec<_> = ids.into_iter().collect();
        let _known = self.sends.write().await;
        journal.deleted(ids.iter().map(String::as_str)).map_err(failed)
    }
}

/// Runs a send to its end, even if whoever asked for it has gone: half a send would be a message that the journal
/// doesn't know under its id.
async fn whole<T: Send + 'static>(
    send: impl Future<Output = Result<T, SqsError>> + Send + 'static,
) -> Result<T, SqsError> {
    tokio::spawn(send).await.map_err(failed)?
}

fn write<'a>(
    journal: &Journal,
    queue_url: &str,
    inputs: impl IntoIterator<Item = &'a SendMessageInput>,
) -> Result<Vec<Row>, SqsError> {
    let now = now_ms();
    let message = |input: &SendMessageInput| {
        let delay_s = u64::try_from(input.delay_seconds.unwrap_or_default()).unwrap_or_default();
        Ok((now + delay_s * 1000, serde_json::to_string(input).map_err(failed)?))
    };
    let messages = inputs.into_iter().map(message).collect::<Result<Vec<_>, SqsError>>()?;
    journal.write(name(queue_url), &messages).map_err(failed)
}

/// One message of a batch as a message of its own.
fn single(queue_url: &str, entry: &SendMessageBatchRequestEntry) -> SendMessageInput {
    let entry = entry.clone();
    SendMessageInput {
        queue_url: queue_url.to_owned(),
        message_body: entry.message_body,
        delay_seconds: entry.delay_seconds,
        message_deduplication_id: entry.message_deduplication_id,
        message_group_id: entry.message_group_id,
        message_attributes: entry.message_attributes,
        message_system_attributes: entry.message_system_attributes,
    }
}

fn name(queue_url: &str) -> &str {
    extract_queue_name(queue_url).unwrap_or(queue_url)
}

/// The message that a receipt handle is for: rustack's handles are `id:time:nonce` in base64.
fn message_id(receipt_handle: &str) -> Option<String> {
    let handle = String::from_utf8(STANDARD.decode(receipt_handle).ok()?).ok()?;
    Some(handle.split_once(':')?.0.to_owned())
}

fn failed(error: impl std::fmt::Display) -> SqsError {
    SqsError::internal_error(format!("the journal of the queues: {error}"))
}
