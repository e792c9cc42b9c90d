//! What is known of one conversation.

use std::collections::HashMap;

use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_domain::log::Seq;
use tidings_domain::membership::{self, Span};

use crate::history::{DeviceKey, Digest, Holder, Seen, Tick};
use crate::verdict::Kind;

/// A message as its sender knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) device: DeviceKey,
    pub(crate) digest: Digest,
    /// Before it was handed over.
    pub(crate) began: Tick,
    /// Among the device's own.
    pub(crate) order: Tick,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    pub(crate) sent: Option<Sent>,
    pub(crate) acknowledged: Option<(u64, Tick)>,
    pub(crate) refused: bool,
    /// Where it was first seen, by whomever.
    pub(crate) seq: Option<u64>,
}

/// What stands in a place, as its first observer saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) entry: Seen,
    pub(crate) by: Holder,
}

/// How far a device has shown a conversation.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Display {
    pub(crate) last: u64,
    /// The watcher missed something, so what comes next may be anything above.
    pub(crate) may_skip: bool,
}

/// Which seqs a holder has, as stretches without a hole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    from: u64,
    stretches: Vec<(u64, u64)>,
}

/// One conversation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conversation {
    /// The highest place that was acknowledged or seen; 0 while there is none.
    pub(crate) head: u64,
    pub(crate) messages: HashMap<(UserId, ClientId), Message>,
    pub(crate) places: HashMap<u64, Place>,
    pub(crate) displays: HashMap<DeviceKey, Display>,
    pub(crate) held: HashMap<Holder, Held>,
    /// Of groups.
    pub(crate) spans: Vec<(UserId, Span)>,
    /// How far each user has read.
    pub(crate) read: HashMap<UserId, u64>,
    /// Device, and its user's read position as the device has it at the end.
    pub(crate) positions: Vec<(DeviceKey, u64)>,
    /// Device, read position, last entry, messages of others between them as the device counts.
    pub(crate) unread: Vec<(DeviceKey, u64, u64, u64)>,
}

impl Conversation {
    pub(crate) fn message(&mut self, sender: UserId, client_id: ClientId) -> &mut Message {
        self.messages.entry((sender, client_id)).or_default()
    }

    /// Whether a user may see this place.
    pub(crate) fn sees(&self, conversation: ConversationId, user: UserId, seq: u64) -> bool {
        let of_user = self.spans.iter().filter(|(member, _)| *member == user).map(|(_, span)| *span);
        let by_id = !membership::is_foreign(conversation, user) && !membership::is_in_inbox(conversation);
        by_id.then_some(Span::WHOLE).into_iter().chain(of_user).any(|span| span.shows(Seq::new(seq)))
    }

    /// Takes note of an entry in its place. Says what is wrong with it, and who saw it otherwise.
    pub(crate) fn observe(&mut self, by: Holder, entry: Seen) -> Option<(Kind, String, Option<Holder>)> {
        if let Some(place) = self.places.get(&entry.seq) {
            let Seen { sender, client_id, .. } = place.entry;
            if (sender, client_id) != (entry.sender, entry.client_id) {
                let detail = format!("message {client_id} of {sender} is here for");
                return Some((Kind::OrderDiffers, detail, Some(place.by)));
            }
            let differs = place.entry != entry;
            return differs.then(|| (Kind::Corrupted, "it is something else for".to_owned(), Some(place.by)));
        }
        self.places.insert(entry.seq, Place { entry, by });
        self.head = self.head.max(entry.seq);
        let message = self.message(entry.sender, entry.client_id);
        match message.seq {
            None => {
                message.seq = Some(entry.seq);
                None
            }
            Some(first) => {
                let other = self.places.get(&first).map(|place| place.by);
                Some((Kind::Doubled, format!("it is at {first}, too, for"), other))
            }
        }
    }

    /// A holder has these seqs, ascending, and claims to have everything from `from` on.
    pub(crate) fn holds(&mut self, holder: Holder, from: u64, seqs: Vec<u64>) {
        let mut stretches: Vec<(u64, u64)> = Vec::new();
        for seq in seqs {
            match stretches.last_mut() {
                Some((_, to)) if *to + 1 == seq => *to = seq,
                _ => stretches.push((seq, seq)),
            }
        }
        self.held.insert(holder, Held { from, stretches });
    }
}

impl Held {
    /// Whether the place is there, or below what the holder claims to have.
    pub(crate) fn has(&self, seq: u64) -> bool {
        seq < self.from || self.stretches.iter().any(|(from, to)| (*from..=*to).contains(&seq))
    }
}
