//! The end of a run: what everybody holds is read and told to the checker.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::{join, join_all};
use futures_util::{StreamExt, TryStreamExt, stream};
use tidings_checker::{DeviceKey, Holder, Seen};
use tidings_client::{Client, ConversationId, EntriesQuery, Page};
use tokio::time::sleep;

use crate::cast::Stage;
use crate::device::Device;
use crate::error::StageError;
use crate::progress::Steps;
use crate::record::seen;

/// So many conversations are compared at the same time.
const COMPARING: usize = 16;

/// Entries per page when a transcript is read.
const PAGE: usize = 1_000;

/// How often a page is asked for while the server is busy: a run may end while functions are still being killed.
const READ_TRIES: u32 = 20;

/// Time between those.
const READ_AGAIN: Duration = Duration::from_millis(250);

/// A conversation and all devices of its members.
#[derive(Clone, Debug)]
pub struct Talk<'a> {
    /// Which.
    pub conversation: ConversationId,
    /// Who takes part.
    pub devices: Vec<&'a Device>,
}

impl Stage {
    /// Waits until every device has shown everything that was acknowledged and knows how far its user has read, then
    /// reads what all hold. A device that takes longer than `settle` is woken once, and then it syncs, so what it has in
    /// the end says nothing of what it was pushed; the answer is how many were woken. What is missing then is the
    /// checker's to find.
    pub async fn compare(&self, talks: &[Talk<'_>], settle: Duration) -> Result<usize, StageError> {
        let devices: BTreeMap<DeviceKey, &Device> =
            talks.iter().flat_map(|talk| &talk.devices).map(|device| (device.key(), *device)).collect();
        let stuck = join_all(devices.values().map(|device| tell_all(device, settle))).await;
        // All at once: a hundred that are late take no longer than one.
        let catching_up = talks.iter().flat_map(|talk| {
            let head = self.recorder().tell(|history| history.head(talk.conversation));
            talk.devices.iter().map(move |device| {
                let read = self.recorder().tell(|history| history.read_up_to(device.key(), talk.conversation));
                catch_up(device, talk.conversation, Aim { head, read }, settle)
            })
        });
        let late: BTreeSet<DeviceKey> = join_all(catching_up).await.into_iter().chain(stuck).flatten().collect();
        let steps = Steps::begin(&self.audience, "comparing conversations", talks.len());
        let comparing = talks.iter().map(|talk| async {
            self.compare_one(talk).await?;
            steps.step();
            Ok::<_, StageError>(())
        });
        stream::iter(comparing).buffer_unordered(COMPARING).try_collect::<Vec<()>>().await?;
        Ok(late.len())
    }

    async fn compare_one(&self, talk: &Talk<'_>) -> Result<(), StageError> {
        let Talk { conversation, devices } = talk;
        let mut asked = Err(StageError::NotOnline("nobody could ask the server".to_owned()));
        for device in devices {
            asked = on_server(&device.client, *conversation).await;
            if asked.is_ok() {
                break;
            }
        }
        let stored = asked?;
        self.recorder().tell(|history| history.transcript(Holder::Server, *conversation, 1, &stored));
        for device in devices {
            self.hear(device, *conversation).await?;
        }
        Ok(())
    }

    /// Tells the checker what a device holds, how far its user has read, and what it counts as unread.
    async fn hear(&self, device: &Device, conversation: ConversationId) -> Result<(), StageError> {
        let Some(view) = device.client.conversation(conversation).await? else { return Ok(()) };
        let held = on_device(&device.client, conversation, view.base).await?;
        self.recorder().tell(|history| {
            history.transcript(Holder::Device(device.key()), conversation, view.base, &held);
            history.position(device.key(), conversation, view.read_seq);
            // What lies below is not here to be counted.
            if view.base <= view.read_seq + 1 {
                history.unread(device.key(), conversation, view.read_seq, view.last, view.unread);
            }
        });
        Ok(())
    }
}

/// What every device of a user must come to.
#[derive(Clone, Copy)]
struct Aim {
    /// The last entry.
    head: u64,
    /// What the user has read.
    read: u64,
}

/// Waits until the server knows what a device has to tell; twice as long for one that has to try again. Its key if it
/// took so long.
async fn tell_all(device: &Device, settle: Duration) -> Option<DeviceKey> {
    if device.has_told(settle).await {
        return None;
    }
    device.has_told(settle).await;
    Some(device.key())
}

/// Waits until a device has everything. Its key if it had to be woken for that.
async fn catch_up(device: &Device, conversation: ConversationId, aim: Aim, settle: Duration) -> Option<DeviceKey> {
    let has_all = async || {
        let shown = device.has_shown(conversation, aim.head, settle);
        let (shown, read) = join(shown, device.knows_read(conversation, aim.read, settle)).await;
        shown && read
    };
    if has_all().await {
        return None;
    }
    device.client.wake().await;
    has_all().await;
    Some(device.key())
}

/// What a device holds of a conversation, from its own store.
async fn on_device(client: &Client, conversation: ConversationId, base: u64) -> Result<Vec<Seen>, StageError> {
    let mut transcript: Vec<Seen> = Vec::new();
    loop {
        let after = transcript.last().map_or(base.saturating_sub(1), |entry| entry.seq);
        let page = client.messages(conversation, Page::After(after), PAGE).await?;
        transcript.extend(page.entries.iter().map(seen));
        if !page.more {
            return Ok(transcript);
        }
    }
}

/// What the server has stored, fetched afresh.
async fn on_server(client: &Client, conversation: ConversationId) -> Result<Vec<Seen>, StageError> {
    let mut transcript: Vec<Seen> = Vec::new();
    let mut tries = 0;
    loop {
        let after = Some(transcript.last().map_or(0, |entry| entry.seq));
        match client.entries(conversation, EntriesQuery { after, before: None, limit: Some(PAGE) }).await {
            Ok(page) => {
                transcript.extend(page.entries.iter().map(seen));
                if !page.more {
                    return Ok(transcript);
                }
                tries = 0;
            }
            Err(error) if error.retryable() && tries < READ_TRIES => {
                tries += 1;
                sleep(READ_AGAIN).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
