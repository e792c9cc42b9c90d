//! `history`: pages of a log, within what the reader may see.

use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::log::{Entry, Seq};
use tidings_domain::membership::{self, Spans};

use crate::error::PortError;
use crate::ports::{InboxRead, LogPage, LogRead, Range};

/// Reads pages of conversations.
#[derive(Debug)]
pub struct ReadHistory<L, I> {
    /// The logs.
    pub log: L,
    /// What readers see of groups.
    pub inboxes: I,
}

/// A page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Ascending.
    pub entries: Vec<Entry>,
    /// Whether there are more in the direction asked.
    pub more: bool,
    /// The lowest seq that the reader can get; after a place, that of the stretch which is seen above it.
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

impl<L: LogRead, I: InboxRead> ReadHistory<L, I> {
    /// At most `limit` entries of `range`, as `user` may see them.
    pub async fn run(
        &self,
        user: UserId,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Page, HistoryError> {
        if membership::is_foreign(conversation, user) {
            return Err(HistoryError::NotAMember);
        }
        let mut range = range;
        loop {
            let page = self.log.page(conversation, range, limit).await?;
            // The log, then the permission: what was appended after somebody was removed is cut off.
            let in_inbox = membership::is_in_inbox(conversation);
            let entry = if in_inbox { self.inboxes.entry(user, conversation).await? } else { None };
            let spans = membership::spans(conversation, user, entry.as_ref()).ok_or(HistoryError::NotAMember)?;
            // Whoever was away between two memberships goes on where they see something again.
            let wanted = match range {
                Range::After(after) => spans.above(after).map(|span| Range::After(after.max(span.from.before()))),
                Range::Before(before) => spans.below(before).map(|span| Range::Before(span.end(before))),
                Range::Newest => spans.below(Seq::new(u64::MAX)).map(|span| match span.to {
                    Some(to) => Range::Before(to.next()),
                    None => Range::Newest,
                }),
            };
            match wanted {
                Some(wanted) if wanted != range => range = wanted,
                wanted => return Ok(visible(page, &spans, wanted)),
            }
        }
    }
}

/// What a reader sees of a page; `range` is `None` when there is nothing to be seen in the direction asked.
fn visible(page: LogPage, spans: &Spans, range: Option<Range>) -> Page {
    let seqs = |entries: &[Entry]| entries.first().zip(entries.last()).map(|(first, last)| (first.seq, last.seq));
    let reached = seqs(&page.entries);
    let lowest = spans.floor();
    let (floor, more) = match (range, reached) {
        (Some(Range::After(after)), reached) => {
            let floor = spans.above(after).map_or(lowest, |span| span.from);
            (floor, page.more && reached.is_some_and(|(_, last)| spans.above(last).is_some()))
        }
        (Some(Range::Before(_) | Range::Newest), Some((first, _))) => (lowest, page.more && lowest < first),
        (Some(Range::Before(_) | Range::Newest), None) | (None, _) => (lowest, false),
    };
    let entries = page.entries.into_iter().filter(|entry| spans.shows(entry.seq)).collect();
    Page { entries, more, floor }
}
