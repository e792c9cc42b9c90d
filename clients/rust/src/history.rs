//! Reading a conversation: from this device where it has it, from the server where not.

use tidings_domain::ids::ConversationId;
use tidings_protocol::actions::HistoryReply;
use tidings_protocol::entry::Entry;
use tidings_protocol::http::EntriesQuery;

use crate::client::Client;
use crate::engine::Command;
use crate::error::{ApiError, CallError};
use crate::view::{Conversation, HistoryPage, Page};

impl Client {
    /// A page of up to `limit` entries. What this device holds is read here, also offline; the rest is asked from the
    /// server, and older entries that join what is here are kept.
    pub async fn messages(
        &self,
        conversation: ConversationId,
        page: Page,
        limit: usize,
    ) -> Result<HistoryPage, CallError> {
        let limit = u64::try_from(limit.clamp(1, 1_000)).unwrap_or(1_000);
        let view = self.conversation(conversation).await?.filter(|view| view.last >= view.base);
        match (page, view) {
            (Page::After(after), Some(view)) if after + 1 >= view.base => {
                let to = after.saturating_add(limit).min(view.last);
                let entries = self.store.entries(conversation, after + 1, to).await?;
                Ok(HistoryPage { entries, more: to < view.last })
            }
            (Page::After(after), _) => {
                let query = EntriesQuery { after: Some(after), before: None, limit: usize::try_from(limit).ok() };
                let reply = self.entries(conversation, query).await?;
                Ok(HistoryPage { entries: reply.entries, more: reply.more })
            }
            (Page::Newest, Some(view)) => self.below(conversation, view.last + 1, limit, &view).await,
            (Page::Before(before), Some(view)) => {
                self.below(conversation, before.clamp(1, view.last + 1), limit, &view).await
            }
            (Page::Newest, None) => self.fetch_below(conversation, None, limit).await,
            (Page::Before(before), None) => self.fetch_below(conversation, Some(before), limit).await,
        }
    }

    /// What the server has stored, past everything that is here: for comparing, and for tools.
    pub async fn entries(&self, conversation: ConversationId, query: EntriesQuery) -> Result<HistoryReply, ApiError> {
        self.account.ask(|token| self.account.api.entries(token, conversation, query)).await
    }

    async fn below(
        &self,
        conversation: ConversationId,
        before: u64,
        limit: u64,
        view: &Conversation,
    ) -> Result<HistoryPage, CallError> {
        let lowest = view.floor.max(1);
        let from = before.saturating_sub(limit).max(lowest);
        if from >= view.base || before <= lowest {
            let entries = self.store.entries(conversation, from, before - 1).await?;
            return Ok(HistoryPage { entries, more: from > lowest });
        }
        match self.fetch_below(conversation, Some(before), limit).await {
            // Offline: what is here is better than nothing.
            Err(CallError::Api(ApiError::Unreachable { .. })) if view.base < before => {
                let entries = self.store.entries(conversation, view.base, before - 1).await?;
                Ok(HistoryPage { entries, more: true })
            }
            answer => answer,
        }
    }

    async fn fetch_below(
        &self,
        conversation: ConversationId,
        before: Option<u64>,
        limit: u64,
    ) -> Result<HistoryPage, CallError> {
        let query = EntriesQuery { after: None, before, limit: usize::try_from(limit).ok() };
        let HistoryReply { entries, more, .. } = self.entries(conversation, query).await?;
        let keep: Vec<Entry> = entries.clone();
        self.tell(Command::Older { conversation, entries: keep }).await;
        Ok(HistoryPage { entries, more })
    }
}
