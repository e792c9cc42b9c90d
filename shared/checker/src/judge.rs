//! What only the end shows.

use std::collections::HashMap;

use tidings_domain::ids::{ClientId, ConversationId, UserId};

use crate::conversation::{Conversation, Held, Message};
use crate::history::{DeviceKey, History, Holder};
use crate::verdict::{Kind, Verdict, Violation};

impl History {
    /// Judges everything so far, as if it were the end: every message that was acknowledged must be with the server
    /// and on every device of every member, and whoever brought no transcript has nothing.
    pub fn judge(&self) -> Verdict {
        let mut verdict = self.found.clone();
        for (id, conversation) in &self.conversations {
            Judge { history: self, id: *id, conversation, verdict: &mut verdict }.all();
        }
        verdict
    }
}

struct Judge<'a> {
    history: &'a History,
    id: ConversationId,
    conversation: &'a Conversation,
    verdict: &'a mut Verdict,
}

type Name = (UserId, ClientId);

impl Judge<'_> {
    fn all(&mut self) {
        for (name, message) in &self.conversation.messages {
            self.content(*name, message);
            self.outcome(*name, message);
            self.presence(*name, message);
        }
        self.own_order();
        self.real_order();
        self.unread();
        self.read();
    }

    /// What is there was sent, and as it was sent.
    fn content(&mut self, name: Name, message: &Message) {
        let Some(place) = message.seq.and_then(|seq| self.conversation.places.get(&seq)) else { return };
        let detail = match message.sent {
            None => "nobody sent it",
            Some(sent) if sent.digest != place.entry.digest => "its sender wrote something else",
            Some(_) => return,
        };
        self.violated(Kind::Corrupted, place.by, Some(place.entry.seq), Some(name), detail.to_owned());
    }

    /// What its sender was told is so.
    fn outcome(&mut self, name: Name, message: &Message) {
        let Some(seq) = message.seq else { return };
        let holder = message.sent.map_or(Holder::Server, |sent| Holder::Device(sent.device));
        if let Some((told, _)) = message.acknowledged
            && told != seq
        {
            self.violated(Kind::TwoPlaces, holder, Some(seq), Some(name), format!("acknowledged at {told}"));
        }
        if message.refused {
            let detail = "refused for good".to_owned();
            self.violated(Kind::RefusedYetThere, holder, Some(seq), Some(name), detail);
        }
    }

    /// What was acknowledged is with the server and on every device that may see it.
    fn presence(&mut self, name: Name, message: &Message) {
        let Some((seq, _)) = message.acknowledged else { return };
        let conversation = self.conversation;
        let has = |holder| conversation.held.get(&holder).is_some_and(|held: &Held| held.has(seq));
        // Without having been seen anywhere, what stands in its place is not it.
        if message.seq.is_none() || !has(Holder::Server) {
            self.violated(Kind::Lost, Holder::Server, Some(seq), Some(name), "acknowledged".to_owned());
        }
        for (device, user) in self.history.devices() {
            let holder = Holder::Device(device);
            if conversation.sees(self.id, user, seq) && !has(holder) {
                self.violated(Kind::Missing, holder, Some(seq), Some(name), "acknowledged".to_owned());
            }
        }
    }

    /// Each device's own messages are in the order in which it sent them.
    fn own_order(&mut self) {
        let mut of_device: HashMap<DeviceKey, Vec<_>> = HashMap::new();
        for (name, message) in &self.conversation.messages {
            if let (Some(sent), Some(seq)) = (message.sent, message.seq) {
                of_device.entry(sent.device).or_default().push((sent.order, seq, *name));
            }
        }
        for (device, mut messages) in of_device {
            messages.sort_unstable();
            for pair in messages.windows(2) {
                let ((_, before, _), (_, seq, name)) = (pair[0], pair[1]);
                if before > seq {
                    let detail = format!("sent right after what is at {before}");
                    self.violated(Kind::OwnOrder, Holder::Device(device), Some(seq), Some(name), detail);
                }
            }
        }
    }

    /// What was acknowledged before another was sent comes before it.
    fn real_order(&mut self) {
        let mut messages: Vec<_> = self
            .conversation
            .messages
            .iter()
            .filter_map(|(name, message)| Some((message.seq?, message.sent?, message.acknowledged, *name)))
            .collect();
        messages.sort_unstable_by_key(|(seq, ..)| *seq);
        // The earliest acknowledgement among those further up.
        let mut earliest = None;
        for (seq, sent, acknowledged, name) in messages.into_iter().rev() {
            if let Some((at, above)) = earliest
                && at < sent.began
            {
                let detail = format!("sent after {above} was acknowledged");
                self.violated(Kind::Overtaken, Holder::Device(sent.device), Some(seq), Some(name), detail);
            }
            let own = acknowledged.map(|(_, at)| (at, seq));
            earliest = earliest.into_iter().chain(own).min();
        }
    }

    /// Unread is what others wrote between the read position and the last entry.
    fn unread(&mut self) {
        for (device, read_seq, last, unread) in &self.conversation.unread {
            let user = self.history.user(*device);
            let places = (read_seq + 1..=*last).filter_map(|seq| self.conversation.places.get(&seq));
            let count = places.filter(|place| place.entry.sender != user).count();
            if u64::try_from(count).ok() != Some(*unread) {
                let detail = format!("it counts {unread} unread from there to {last}, and there are {count}");
                self.violated(Kind::Unread, Holder::Device(*device), Some(*read_seq), None, detail);
            }
        }
    }

    /// Every device of a user knows how far they have read, on whichever.
    fn read(&mut self) {
        for (device, read_seq) in &self.conversation.positions {
            let read = self.conversation.read.get(&self.history.user(*device)).copied().unwrap_or(0);
            if read != *read_seq {
                let detail = format!("its user has read up to {read}");
                self.violated(Kind::ReadElsewhere, Holder::Device(*device), Some(*read_seq), None, detail);
            }
        }
    }

    fn violated(&mut self, kind: Kind, holder: Holder, seq: Option<u64>, message: Option<Name>, detail: String) {
        let holder = self.history.name(holder);
        self.verdict.add(Violation { kind, conversation: self.id, holder, seq, message, detail });
    }
}
