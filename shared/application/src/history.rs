//! `history`: pages of a log, within what the reader may see.

use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::log::{Entry, Seq};
use tidings_domain::membership;

use crate::error::PortError;
use crate::ports::{LogRead, Range};

/// Reads pages of conversations.
#[derive(Debug)]
pub struct ReadHistory<L> {
    /// The logs.
    pub log: L,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Ascending.
    pub entries: Vec<Entry>,
    /// Whether there are more in the direction asked.
    pub more: bool,
    /// The lowest seq that the reader can get.
    pub floor: Seq,
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Not a member, whether or not the conversation exists.
    #[error("not a member of this conversation")]
    NotAMember,
    /// The log could not be read.
    #[error("the log could not be read: {0}")]
    Log(#[from] PortError),
}

impl<L: LogRead> ReadHistory<L> {
    /// At most `limit` entries of `range`, as `user` may see them.
    pub async fn run(
        &self,
        user: UserId,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Page, HistoryError> {
        let span = membership::span(conversation, user).ok_or(HistoryError::NotAMember)?;
        let page = self.log.page(conversation, range, limit).await?;
        let visible = |entry: &Entry| entry.seq >= span.from && span.to.is_none_or(|to| entry.seq <= to);
        let entries = page.entries.into_iter().filter(visible).collect();
        Ok(Page { entries, more: page.more, floor: span.from })
    }
}
