//! Pages of syncs and histories as replies that fit what carries them.

use serde::Serialize;
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::log::{self, Seq};
use tidings_domain::sync::Conversation;
use tidings_domain::time::Timestamp;
use tidings_protocol::actions::{HistoryReply, SyncReply, SyncedConversation};
use tidings_protocol::limits::{FRAME_MAX, REQUEST_ID_MAX};

use crate::entry::entry_out;

/// Bytes of a frame that a reply's own fields may take: the envelope, the longest request id (each byte of which
/// JSON may write as six) and the fields around the lists take less than a kilobyte.
pub const REPLY_ROOM: usize = FRAME_MAX - 6 * REQUEST_ID_MAX - 512;

/// Which end of a page is cut off when it does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The newest entries: the reader asked for what follows a seq.
    Newest,
    /// The oldest entries.
    Oldest,
}

/// A page of history of at most `room` bytes.
pub fn history(
    entries: &[log::Entry],
    more: bool,
    floor: Seq,
    cut: Cut,
    room: usize,
) -> Result<HistoryReply, serde_json::Error> {
    let mut entries = entries.iter().map(entry_out).collect::<Result<Vec<_>, _>>()?;
    let sizes = entries.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let keep = match cut {
        Cut::Newest => fitting(sizes.iter().copied(), room),
        Cut::Oldest => fitting(sizes.iter().rev().copied(), room),
    };
    let dropped = entries.len() - keep;
    match cut {
        Cut::Newest => entries.truncate(keep),
        Cut::Oldest => drop(entries.drain(..dropped)),
    }
    Ok(HistoryReply { entries, more: more || dropped > 0, floor: floor.get() })
}

/// A page of a sync of at most `room` bytes. Every conversation that is named comes with its exact head; entries
/// fill what room is left, the newest of each first, and a conversation whose entries do not reach down to what the
/// client has is pulled by it. Conversations that do not fit at all are left to the next page.
pub fn sync(
    user: UserId,
    conversations: &[Conversation],
    cursor: Option<ConversationId>,
    since: Timestamp,
    room: usize,
) -> Result<SyncReply, serde_json::Error> {
    let mut summaries = conversations.iter().map(|it| summary(user, it)).collect::<Vec<_>>();
    let sizes = summaries.iter().map(size).collect::<Result<Vec<_>, _>>()?;
    let named = fitting(sizes.iter().copied(), room);
    let mut left = room - sizes[..named].iter().sum::<usize>();
    let cut = named < summaries.len();
    summaries.truncate(named);

    let mut waiting = conversations[..named]
        .iter()
        .map(|it| it.entries.iter().rev().map(|entry| entry_out(entry).and_then(|out| Ok((size(&out)?, out)))))
        .collect::<Vec<_>>();
    let mut progress = true;
    while progress {
        progress = false;
        for (summary, entries) in summaries.iter_mut().zip(&mut waiting) {
            match entries.next().transpose()? {
                Some((size, entry)) if size <= left => {
                    left -= size;
                    summary.entries.push(entry);
                    progress = true;
                }
                // An older entry without this one would be a hole: the conversation gets no more.
                Some(_) => while entries.next().is_some() {},
                None => {}
            }
        }
    }
    for summary in &mut summaries {
        summary.entries.reverse();
    }
    let next = if cut { summaries.last().map(|last| last.conversation.0) } else { cursor };
    Ok(SyncReply {
        more: next.is_some(),
        cursor: next.map(|conversation| conversation.to_string()),
        since: since.to_string(),
        conversations: summaries,
    })
}

fn summary(user: UserId, it: &Conversation) -> SyncedConversation {
    let conversation = it.inbox.conversation;
    SyncedConversation {
        conversation: conversation.into(),
        head_seq: it.head.seq.get(),
        head_at: it.head.at.as_millis(),
        read_seq: it.inbox.read.seq.get(),
        unread: it.unread,
        floor: it.spans.floor().get(),
        left: it.spans.current().is_none(),
        peer: conversation.peer(user).map(Into::into),
        entries: Vec::new(),
    }
}

/// Encoded size, with the comma after it.
pub(crate) fn size<T: Serialize>(value: &T) -> Result<usize, serde_json::Error> {
    Ok(serde_json::to_string(value)?.len() + 1)
}

/// How many of these, from the first on, fit.
pub(crate) fn fitting(sizes: impl Iterator<Item = usize>, room: usize) -> usize {
    let mut taken = 0;
    sizes
        .take_while(|size| {
            taken += size;
            taken <= room
        })
        .count()
}

#[cfg(test)]
mod tests {
    use tidings_domain::ids::ClientId;
    use tidings_domain::inbox::InboxEntry;
    use tidings_domain::log::{Draft, Head};
    use tidings_domain::membership::Spans;
    use tidings_protocol::body::Body;

    use super::*;
    use crate::entry::body_in;

    fn log_of(conversation: ConversationId, sender: UserId, count: u64, text: usize) -> Vec<log::Entry> {
        let mut entries: Vec<log::Entry> = Vec::new();
        for number in 0..count {
            let body = body_in(&Body::text("x".repeat(text))).unwrap();
            let draft = Draft { client_id: ClientId::from_bits(number.into()), body };
            entries.push(draft.follow(entries.last(), conversation, sender, Timestamp::from_millis(1)));
        }
        entries
    }

    fn conversation(number: u128, count: u64, text: usize) -> Conversation {
        let (me, peer) = (UserId::from_bits(1), UserId::from_bits(number + 2));
        let conversation = ConversationId::direct(me, peer);
        let entries = log_of(conversation, peer, count, text);
        let head = entries.last().map_or(Head::none(conversation), log::Entry::head);
        let inbox = InboxEntry { version: 1, ..InboxEntry::new(conversation) };
        Conversation { unread: inbox.unread(me, &head, &entries), inbox, head, spans: Spans::whole(), entries }
    }

    #[test]
    fn a_sync_fits_and_its_entries_reach_the_head_without_a_hole() {
        for (count, entries, text) in
            [(50, 10, 300), (50, 10, 3), (3, 10, 15_000), (1, 1, 15_000), (200, 1, 10), (0, 0, 0)]
        {
            let page: Vec<_> = (0..count).map(|number| conversation(number, entries, text)).collect();
            let reply = sync(UserId::from_bits(1), &page, None, Timestamp::from_millis(7), REPLY_ROOM).unwrap();
            let size = serde_json::to_string(&reply).unwrap().len();
            assert!(size <= FRAME_MAX - 400, "{count} {entries} {text}: {size}");
            assert_eq!(reply.more, reply.conversations.len() < page.len());
            for synced in &reply.conversations {
                assert_eq!(synced.unread, entries);
                let seqs: Vec<_> = synced.entries.iter().map(|entry| entry.seq).collect();
                let first = synced.head_seq + 1 - seqs.len() as u64;
                assert_eq!(seqs, (first..=synced.head_seq).collect::<Vec<_>>());
            }
            if (1..=50).contains(&count) {
                assert!(!reply.conversations.is_empty() && !reply.conversations[0].entries.is_empty());
            }
        }
    }

    #[test]
    fn a_history_is_cut_at_the_far_end() {
        let one = conversation(0, 5, 15_000);
        let reply = history(&one.entries, false, Seq::FIRST, Cut::Newest, REPLY_ROOM).unwrap();
        assert_eq!(reply.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2]);
        assert!(reply.more);
        let reply = history(&one.entries, false, Seq::FIRST, Cut::Oldest, REPLY_ROOM).unwrap();
        assert_eq!(reply.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4, 5]);
        assert!(reply.more);
    }
}
