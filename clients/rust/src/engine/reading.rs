//! Read positions and the local view.

use serde_json::Value;
use tidings_domain::ids::ConversationId;
use tidings_protocol::actions::{Call, ConversationRead, ConversationReadReply};
use tidings_protocol::entry::Entry;
use tokio::sync::oneshot;

use super::calls::To;
use super::timers::Timer;
use super::{Effect, Engine};
use crate::error::{CallError, StoreError};
use crate::store::Write;
use crate::update::Update;
use crate::view::Conversation;

impl Engine {
    /// I have read up to `seq`. Counts here at once and on the server soon.
    pub(super) fn read(
        &mut self,
        conversation: ConversationId,
        seq: u64,
        answer: oneshot::Sender<Result<(), StoreError>>,
    ) {
        let seq = seq.min(self.timeline(conversation).position().last);
        if self.timeline(conversation).read(seq) {
            self.dirty.insert(conversation);
        }
        self.effects.push(Effect::Answer(Box::new(move |written| {
            let _ = answer.send(written.map_err(Clone::clone));
        })));
        self.plan_read(conversation);
    }

    /// The server has my position at `seq`: another device of mine has read so far, or it has heard of this one.
    pub(super) fn read_elsewhere(&mut self, conversation: ConversationId, seq: u64) {
        let timeline = self.timeline(conversation);
        timeline.told(seq);
        timeline.read(seq);
        self.dirty.insert(conversation);
    }

    /// Tells what changed of unread messages, and asks the server where only it can count them.
    pub(super) fn tell_unread(&mut self) {
        let mut ask = false;
        for conversation in &self.dirty {
            let Some(timeline) = self.timelines.get_mut(conversation) else { continue };
            ask |= self.link.open() && timeline.ask_count();
            if let Some((read_seq, unread)) = timeline.take_news() {
                let conversation = *conversation;
                self.effects.push(Effect::Tell(Update::Unread { conversation, read_seq, unread }));
            }
        }
        if ask {
            self.sync_after(self.options.timing.count_wait);
        }
    }

    fn plan_read(&mut self, conversation: ConversationId) {
        if self.link.online() && self.read_open(conversation) && !self.reads.contains(&conversation) {
            self.reads.insert(conversation);
            self.after(self.options.timing.read_delay, Timer::Read(conversation));
        }
    }

    /// A new connection: tells what could not be told before.
    pub(super) fn tell_reads(&mut self) {
        let conversations: Vec<ConversationId> = self.timelines.keys().copied().collect();
        for conversation in conversations {
            self.plan_read(conversation);
        }
    }

    pub(super) fn tell_read(&mut self, conversation: ConversationId) {
        if !self.link.online() || !self.read_open(conversation) {
            self.reads.remove(&conversation);
            return;
        }
        let position = self.timeline(conversation).position();
        let seq = position.read_seq.min(position.last);
        // A text and a number: this cannot fail.
        let fields =
            serde_json::to_value(ConversationRead { conversation: conversation.into(), seq }).unwrap_or_default();
        self.call(ConversationRead::ACTION, fields, To::Read(conversation, seq));
    }

    pub(super) fn read_told(&mut self, conversation: ConversationId, seq: u64, reply: &Value) {
        self.reads.remove(&conversation);
        let reply: Option<ConversationReadReply> = serde_json::from_value(reply.clone()).ok();
        let read_seq = reply.map_or(seq, |reply| reply.read_seq.max(seq));
        self.read_elsewhere(conversation, read_seq);
        self.plan_read(conversation);
    }

    /// A position that the server does not take is not worth telling again; one that it could not take now is.
    pub(super) fn read_refused(&mut self, conversation: ConversationId, seq: u64, error: &CallError) {
        tracing::debug!(%conversation, %error, "a read position was refused");
        self.reads.remove(&conversation);
        match error {
            CallError::Refused(error) if !error.code.retryable() => {
                self.timeline(conversation).told(seq);
                self.dirty.insert(conversation);
            }
            _ => self.plan_read(conversation),
        }
    }

    /// Whether the server does not know how far I have read here.
    fn read_open(&self, conversation: ConversationId) -> bool {
        self.timelines.get(&conversation).is_some_and(|timeline| {
            let position = timeline.position();
            position.read_seq.min(position.last) > position.told_seq
        })
    }

    pub(super) fn reads_open(&self) -> bool {
        self.timelines.keys().any(|conversation| self.read_open(*conversation))
    }

    /// Older entries came on demand.
    pub(super) fn older(&mut self, conversation: ConversationId, entries: Vec<Entry>) {
        let kept = self.timeline(conversation).older(entries);
        if !kept.is_empty() {
            self.dirty.insert(conversation);
        }
        self.writes.extend(kept.into_iter().map(|entry| Write::Entry(conversation, entry)));
    }

    /// The local view of one conversation, or of all in the order of their ids.
    pub(super) fn conversations(&self, only: Option<ConversationId>) -> Vec<Conversation> {
        let view = |(id, timeline): (&ConversationId, &crate::timeline::Timeline)| {
            let position = timeline.position();
            Conversation {
                id: *id,
                base: position.base,
                last: position.last,
                floor: position.floor,
                left: position.left,
                read_seq: position.read_seq,
                unread: timeline.unread(),
                peer_read_seq: position.peer_read_seq,
            }
        };
        if let Some(only) = only {
            return self.timelines.get_key_value(&only).map(view).into_iter().collect();
        }
        let mut all: Vec<Conversation> = self.timelines.iter().map(view).collect();
        all.sort_by_key(|conversation| conversation.id);
        all
    }
}
