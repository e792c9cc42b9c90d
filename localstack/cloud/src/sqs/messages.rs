//! The ways into the queues and out of them: nothing may send, receive, delete or purge past [`Messages`], which
//! writes it down if there is a journal.

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustack_sqs_core::provider::RustackSqs;
use rustack_sqs_core::queue::extract_queue_name;
use rustack_sqs_model::error::SqsError;
use rustack_sqs_model::input::{
    ChangeMessageVisibilityInput, DeleteMessageBatchInput, DeleteMessageInput, DeleteQueueInput, GetQueueUrlInput,
    PurgeQueueInput, ReceiveMessageInput, SendMessageBatchInput, SendMessageInput,
};
use rustack_sqs_model::output::{
    DeleteMessageBatchOutput, DeleteMessageOutput, DeleteQueueOutput, PurgeQueueOutput, ReceiveMessageOutput,
    SendMessageBatchOutput, SendMessageOutput,
};
use rustack_sqs_model::types::SendMessageBatchRequestEntry;
use tokio::sync::RwLock;

use super::journal::{Journal, Row, Waiting};
use super::{RECEIVE_MAX, queues};
use crate::activity::{Activity, UnderWay};
use crate::clock::now_ms;
use crate::ids;

/// The longest that a message is delayed, in seconds. Source: SQS, "delay queues".
const LONGEST_DELAY_S: i32 = 900;
/// How long a message that is being deleted stays in work, in seconds: far longer than deleting takes.
const DELETING_S: i32 = 60;

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
    activity: Activity,
}

impl Messages {
    /// Without a path, without a journal.
    pub(super) fn open(
        provider: Arc<RustackSqs>,
        path: Option<&Path>,
        receives: u32,
        activity: Activity,
    ) -> rusqlite::Result<Self> {
        let journal = path.map(Journal::open).transpose()?.map(Arc::new);
        Ok(Self { provider, journal, receives, sends: Arc::default(), activity })
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
            let row = waiting.row;
            let id = match self.put_back_one(waiting).await {
                Ok(id) => id,
                // As it was at first, of which the journal did not hear any more. Nobody was told that it is kept.
                Err(error) if error.code.is_sender_fault() => None,
                Err(error) => return Err(error),
            };
            outcomes.push((row, id));
        }
        let count = outcomes.iter().filter(|(_, id)| id.is_some()).count();
        journal.settle(outcomes).map_err(failed)?;
        Ok(count)
    }

    /// Puts one back; its new id.
    async fn put_back_one(&self, waiting: Waiting) -> Result<Option<String>, SqsError> {
        let mut input: SendMessageInput = serde_json::from_str(&waiting.message).map_err(failed)?;
        if queues::is_fifo(&waiting.queue) {
            // Those that wait were told apart when they came. Some that share an id did so by their groups, or by
            // the minutes between them, and would be taken for one now.
            input.message_deduplication_id = Some(ids::uuid());
        }
        let queue = GetQueueUrlInput { queue_name: waiting.queue, ..GetQueueUrlInput::default() };
        // Its port may be another than the last time.
        input.queue_url = self.provider.get_queue_url(queue).await?.queue_url.unwrap_or_default();
        let left_s = waiting.due_ms.saturating_sub(now_ms()).div_ceil(1000);
        let left_s = i32::try_from(left_s).unwrap_or(LONGEST_DELAY_S).min(LONGEST_DELAY_S);
        input.delay_seconds = (left_s > 0).then_some(left_s);
        Ok(self.provider.send_message(input).await?.message_id)
    }

    pub(super) async fn send(&self, input: SendMessageInput) -> Result<SendMessageOutput, SqsError> {
        let Some(journal) = self.journal.clone() else { return self.provider.send_message(input).await };
        let messages = self.clone();
        whole(self.activity.begin(), async move {
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
        whole(self.activity.begin(), async move {
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
        let ids = self.in_work(&input.queue_url, &[&input.receipt_handle]).await;
        let deleted = self.provider.delete_message(input).await?;
        self.note_deleted(&ids).await?;
        Ok(deleted)
    }

    pub(super) async fn delete_batch(
        &self,
        input: DeleteMessageBatchInput,
    ) -> Result<DeleteMessageBatchOutput, SqsError> {
        let receipts: Vec<_> = input.entries.iter().map(|entry| entry.receipt_handle.as_str()).collect();
        let ids = self.in_work(&input.queue_url, &receipts).await;
        let deleted = self.provider.delete_message_batch(input).await?;
        self.note_deleted(&ids).await?;
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
                max_number_of_messages: Some(RECEIVE_MAX.into()),
                ..ReceiveMessageInput::default()
            };
            if self.receive(input).await?.messages.is_empty() {
                return Ok(());
            }
        }
    }

    /// The messages behind those receipts that their receivers still have in work. Only those will be deleted: by a
    /// receipt that is out of date the queue deletes nothing, and says that it did, as on AWS. Once its time is over a
    /// message may be with another receiver, or in its dead-letter queue. Without a journal nobody asks.
    async fn in_work(&self, queue_url: &str, receipts: &[&str]) -> Vec<String> {
        let mut ids = Vec::new();
        if self.journal.is_none() {
            return ids;
        }
        for &receipt in receipts {
            let input = ChangeMessageVisibilityInput {
                queue_url: queue_url.to_owned(),
                receipt_handle: receipt.to_owned(),
                // So that it is still in work when it is deleted.
                visibility_timeout: DELETING_S,
            };
            if self.provider.change_message_visibility(input).await.is_ok() {
                ids.extend(message_id(receipt));
            }
        }
        ids
    }

    async fn note_deleted(&self, ids: &[String]) -> Result<(), SqsError> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let _known = self.sends.write().await;
        journal.deleted(ids.iter().map(String::as_str)).map_err(failed)
    }
}

/// Runs a send to its end, even if whoever asked for it has gone: half a send would be a message that the journal
/// doesn't know under its id.
async fn whole<T: Send + 'static>(
    under_way: UnderWay,
    send: impl Future<Output = Result<T, SqsError>> + Send + 'static,
) -> Result<T, SqsError> {
    let send = async move {
        let _under_way = under_way;
        send.await
    };
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
