//! What a device shows its user, checked as it is shown.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidings_client::{Client, ConversationId, Next, Update, Updates};
use tokio::sync::watch;

/// How far a device has shown a conversation, and how often it showed something out of turn.
#[derive(Debug)]
pub(super) struct Watch {
    last: watch::Receiver<u64>,
    out_of_turn: Arc<AtomicU64>,
}

impl Watch {
    /// Watches from now on.
    pub(super) fn new(client: &Client, conversation: ConversationId) -> Self {
        let (shown, last) = watch::channel(0);
        let out_of_turn = Arc::new(AtomicU64::new(0));
        tokio::spawn(follow(client.updates(), conversation, shown, out_of_turn.clone()));
        Self { last, out_of_turn }
    }

    /// Waits until this entry was shown.
    pub(super) async fn shown(&self, seq: u64) {
        // If the device ends early, the comparison says what is missing.
        let _ = self.last.clone().wait_for(|last| *last >= seq).await;
    }

    /// Entries that were not the next one when they were shown.
    pub(super) fn out_of_turn(&self) -> u64 {
        self.out_of_turn.load(Ordering::Relaxed)
    }
}

async fn follow(
    mut updates: Updates,
    conversation: ConversationId,
    shown: watch::Sender<u64>,
    out_of_turn: Arc<AtomicU64>,
) {
    let mut last = 0;
    let mut missed = false;
    while let Some(next) = updates.next().await {
        match next {
            Next::Missed(_) => missed = true,
            Next::Update(update) => match &*update {
                Update::Entry { conversation: of, entry } if *of == conversation => {
                    if entry.seq != last + 1 && !(missed && entry.seq > last) {
                        out_of_turn.fetch_add(1, Ordering::Relaxed);
                    }
                    missed = false;
                    last = last.max(entry.seq);
                    shown.send_replace(last);
                }
                _ => {}
            },
        }
    }
}
