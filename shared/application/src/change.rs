//! What all changes have in common: drives [`tidings_domain::change::Change`] as far as it is about logs and queues.

use futures_util::future::try_join_all;
use tidings_domain::change::{Call, Seen};
use tidings_domain::ids::ConversationId;
use tidings_domain::limits::CHANGE_SEARCH_MAX;
use tidings_domain::log::Entry;

use crate::clock::{Clock, Random};
use crate::error::PortError;
use crate::ports::{FanOutQueue, LogRead, Range};

/// A call that was made, or what is left to whoever knows the records.
pub(crate) enum Made<S, W> {
    /// It was made.
    Seen(Seen<S>),
    /// Read the records.
    Read,
    /// Put these entries and write the records, all or nothing.
    Commit(Vec<(ConversationId, Entry)>, Vec<W>),
}

/// Makes a call that is about logs, queues or time.
pub(crate) async fn make<S: Send, W: Send>(
    log: &impl LogRead,
    queue: &impl FanOutQueue,
    clock: &(impl Clock + Random),
    call: Call<W>,
) -> Result<Made<S, W>, PortError> {
    Ok(Made::Seen(match call {
        // The bound itself is read too: it is the predecessor.
        Call::ReadLog(conversation, from) => Seen::Log(log.tail(conversation, from, CHANGE_SEARCH_MAX + 1).await?),
        Call::ReadHeads(logs) => Seen::Heads(try_join_all(logs.into_iter().map(|of| head(log, of))).await?),
        Call::ReadState => return Ok(Made::Read),
        Call::Commit(entries, writes) => return Ok(Made::Commit(entries, writes)),
        Call::Wait { bound_ms } => {
            clock.sleep(clock.up_to(bound_ms)).await;
            Seen::Waited
        }
        Call::Queue(jobs) => {
            try_join_all(jobs.iter().map(|job| queue.fan_out(job))).await?;
            Seen::Queued
        }
    }))
}

async fn head(log: &impl LogRead, conversation: ConversationId) -> Result<Option<Entry>, PortError> {
    Ok(log.page(conversation, Range::Newest, 1).await?.entries.pop())
}
