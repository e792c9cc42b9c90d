//! The entries of conversations in order, whatever the pace of the reader.

use std::collections::HashMap;

use tidings_client::{CallError, Client, ConversationId, Entry, Page};

/// Entries per page when a slow reader catches up.
const PAGE: usize = 500;

/// How far each conversation was shown.
#[derive(Debug, Default)]
pub(crate) struct Follow(HashMap<ConversationId, u64>);

impl Follow {
    /// Begins behind what this device has now.
    pub(crate) async fn from_here(client: &Client) -> Result<Self, CallError> {
        let all = client.conversations().await?;
        Ok(Self(all.into_iter().map(|conversation| (conversation.id, conversation.last)).collect()))
    }

    /// Whether this entry is still to be shown; from now on it is not.
    pub(crate) fn fresh(&mut self, conversation: ConversationId, entry: &Entry) -> bool {
        let shown = self.0.entry(conversation).or_default();
        let fresh = entry.seq > *shown;
        *shown = (*shown).max(entry.seq);
        fresh
    }

    /// How far this conversation was shown.
    pub(crate) fn shown(&self, conversation: ConversationId) -> u64 {
        self.0.get(&conversation).copied().unwrap_or_default()
    }

    /// What was missed because the reader was slower than the updates are kept.
    pub(crate) async fn missed(&mut self, client: &Client) -> Result<Vec<(ConversationId, Entry)>, CallError> {
        let mut missed = Vec::new();
        for conversation in client.conversations().await? {
            let shown = self.0.entry(conversation.id).or_default();
            *shown = (*shown).max(conversation.base - 1);
            while *shown < conversation.last {
                let page = client.messages(conversation.id, Page::After(*shown), PAGE).await?;
                let Some(last) = page.entries.last() else { break };
                *shown = last.seq;
                missed.extend(page.entries.into_iter().map(|entry| (conversation.id, entry)));
            }
        }
        Ok(missed)
    }
}
