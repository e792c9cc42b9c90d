//! Messages on their way: the outboxes and the wire.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidings_domain::ids::{ClientId, ConversationId};
use tidings_protocol::actions::{Call, MessageSend, MessageSendReply, Sent};
use tidings_protocol::body::Body;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::http::EntriesQuery;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::timers::Timer;
use super::{Effect, Ending, Engine, Found, Input, calls};
use crate::error::{ApiError, NotSent, SendError};
use crate::outbox::{Item, Next, Search, Verdict};
use crate::session::Account;
use crate::socket::Outgoing;
use crate::store::Write;
use crate::timeline::Own;
use crate::update::{MessageState, Update};
use crate::view::Outgoing as View;

/// Entries per page of a search: the most that the server gives.
const SEARCH_PAGE: usize = 1_000;

impl Engine {
    /// A message enters the outbox. The caller hears of it when it is durable.
    pub(super) fn enqueue(
        &mut self,
        conversation: ConversationId,
        body: Body,
        bytes: usize,
        answer: oneshot::Sender<Result<(ClientId, oneshot::Receiver<Ending>), SendError>>,
    ) {
        let client_id = self.new_client_id();
        let after = self.timelines.get(&conversation).map(crate::timeline::Timeline::known);
        let item = Item { client_id, body, bytes, after };
        self.writes.push(Write::Enqueue(conversation, item.clone()));
        self.lanes.entry(conversation).or_default().push(item);
        let (ended, ending) = oneshot::channel();
        self.handles.insert((conversation, client_id), ended);
        self.effects.push(Effect::Answer(Box::new(move |written| {
            let _ = answer.send(match written {
                Ok(()) => Ok((client_id, ending)),
                Err(error) => Err(error.clone().into()),
            });
        })));
        self.tell(Update::Message { conversation, client_id, state: MessageState::Queued });
        self.pump(conversation);
    }

    /// Writes what the conversation's outbox has ready.
    pub(super) fn pump(&mut self, conversation: ConversationId) {
        if !self.link.online() {
            return;
        }
        let Some(lane) = self.lanes.get_mut(&conversation) else { return };
        let Some(attempt) = lane.take(conversation) else { return };
        let tried = attempt.request.attempt.unwrap_or_default();
        let request = match self.flights.get(&conversation) {
            // The same name again: then the answer to any try counts.
            Some((request, _)) if !attempt.new => *request,
            _ => self.calls.next_id(),
        };
        if attempt.new {
            self.writes.push(Write::Attempt(conversation, attempt.ids.clone(), true));
        }
        self.flights.insert(conversation, (request, tried));
        // Strings and numbers alone: this cannot fail.
        let fields = serde_json::to_value(&attempt.request).unwrap_or_default();
        let text = calls::frame(MessageSend::ACTION, request, fields);
        self.effects.push(Effect::Write(Outgoing { action: MessageSend::ACTION, text }));
        self.after(self.options.timing.resend_after, Timer::Unanswered(conversation, request, tried));
        for client_id in attempt.ids {
            self.tell(Update::Message { conversation, client_id, state: MessageState::Sent });
        }
    }

    pub(super) fn pump_all(&mut self) {
        let conversations: Vec<ConversationId> = self.lanes.keys().copied().collect();
        for conversation in conversations {
            self.pump(conversation);
        }
    }

    /// The conversation whose attempt this request is.
    pub(super) fn flight_of(&self, request: u64) -> Option<ConversationId> {
        self.flights.iter().find(|(_, (flying, _))| *flying == request).map(|(conversation, _)| *conversation)
    }

    /// An attempt was answered.
    pub(super) fn sent(&mut self, conversation: ConversationId, result: Result<Value, ErrorBody>) {
        let Some(lane) = self.lanes.get_mut(&conversation) else { return };
        let answer = match result.map(serde_json::from_value::<MessageSendReply>) {
            Ok(Ok(reply)) => Ok(reply),
            // An answer that is not understood says nothing.
            Ok(Err(_)) => Err(ErrorBody::new(ErrorCode::Internal, "the answer is not understood")),
            Err(error) => Err(error),
        };
        let verdict = lane.answered(answer);
        // Later answers to other tries could be about other messages than what the attempt now has left.
        self.flights.remove(&conversation);
        self.judge(conversation, verdict);
    }

    fn judge(&mut self, conversation: ConversationId, verdict: Verdict) {
        if let Some(server_time) = verdict.server_time {
            self.heard_time(server_time);
        }
        for (item, sent) in verdict.acknowledged {
            self.writes.push(Write::Remove(conversation, item.client_id));
            self.end(conversation, item.client_id, Ok(sent));
            let own = Own { seq: sent.seq, client_id: item.client_id, sent_at: sent.sent_at, body: item.body };
            let step = self.timeline(conversation).acknowledged(own);
            self.record(conversation, step);
        }
        for (item, error) in verdict.failed {
            self.writes.push(Write::Fail(conversation, item.client_id, error.clone()));
            self.end(conversation, item.client_id, Err(error.clone()));
            self.failed.insert((conversation, item.client_id), (item, error));
        }
        if !verdict.released.is_empty() {
            self.writes.push(Write::Attempt(conversation, verdict.released, false));
        }
        self.watch_gap(conversation);
        match verdict.next {
            Next::Go => {
                if self.lanes.get(&conversation).is_some_and(crate::outbox::Lane::is_empty) {
                    self.lanes.remove(&conversation);
                    self.flights.remove(&conversation);
                }
                self.pump(conversation);
            }
            Next::Rest { at_least, failures } => {
                let wait = self.back_off(failures).max(at_least);
                self.after(wait, Timer::Rested(conversation));
            }
            Next::Search => self.search(conversation),
        }
    }

    /// Tells everybody how a message ended.
    fn end(&mut self, conversation: ConversationId, client_id: ClientId, ending: Result<Sent, ErrorBody>) {
        let state = match &ending {
            Ok(sent) => MessageState::Acknowledged(*sent),
            Err(error) => MessageState::Failed(error.clone()),
        };
        self.tell(Update::Message { conversation, client_id, state });
        if let Some(handle) = self.handles.remove(&(conversation, client_id)) {
            let ending = ending.map_err(NotSent::Refused);
            self.effects.push(Effect::Answer(Box::new(move |_| drop(handle.send(ending)))));
        }
    }

    /// A message that was given up turns out to be in the log after all: an earlier attempt had got through.
    pub(super) fn heal(&mut self, conversation: ConversationId, client_id: ClientId, sent: Sent) {
        if self.failed.remove(&(conversation, client_id)).is_some() {
            self.writes.push(Write::Remove(conversation, client_id));
            self.end(conversation, client_id, Ok(sent));
        }
    }

    pub(super) fn send_unanswered(&mut self, conversation: ConversationId, request: u64, tried: u32) {
        if self.flights.get(&conversation) != Some(&(request, tried)) {
            return;
        }
        if self.deaf() {
            return self.lost("the server does not answer".into());
        }
        let Some(lane) = self.lanes.get_mut(&conversation).filter(|lane| lane.flying()) else { return };
        let next = lane.unanswered();
        self.judge(conversation, Verdict { next, ..Verdict::default() });
    }

    pub(super) fn rested(&mut self, conversation: ConversationId) {
        let Some(lane) = self.lanes.get_mut(&conversation) else { return };
        if lane.searching() {
            self.search(conversation);
        } else if lane.rested() {
            self.pump(conversation);
        }
    }

    pub(super) fn lanes_lost(&mut self) {
        self.flights.clear();
        self.lanes.values_mut().for_each(crate::outbox::Lane::lost);
    }

    pub(super) fn suspect_lanes(&mut self, wait: Duration) {
        let soon = Instant::now() + wait;
        for (conversation, (request, tried)) in &self.flights {
            self.timers.at(soon, Timer::Unanswered(*conversation, *request, *tried));
        }
    }

    /// Looks for earlier traces of the attempt in the entries that the server did not want to search.
    fn search(&mut self, conversation: ConversationId) {
        let Some(lane) = self.lanes.get(&conversation) else { return };
        let search = lane.search();
        let (account, inputs, me) = (self.account.clone(), self.inputs.clone(), self.me);
        tokio::spawn(async move {
            let found = look(&account, conversation, me, &search).await;
            let _ = inputs.send(Input::Searched(conversation, found)).await;
        });
    }

    pub(super) fn searched(&mut self, conversation: ConversationId, found: Result<Found, ApiError>) {
        let Some(lane) = self.lanes.get_mut(&conversation) else { return };
        match found {
            Ok(found) => {
                let verdict = lane.searched(&found.sent, found.upto);
                let raised: Vec<Write> = lane
                    .attempted()
                    .filter_map(|item| Some(Write::After(conversation, item.client_id, item.after?)))
                    .collect();
                self.writes.extend(raised);
                self.judge(conversation, verdict);
            }
            Err(error) => {
                tracing::debug!(%error, "a search for earlier attempts failed");
                let wait = self.back_off(3);
                self.after(wait, Timer::Rested(conversation));
            }
        }
    }

    /// What is in the outbox.
    pub(super) fn outbox(&self) -> Vec<View> {
        let pending = self.lanes.iter().flat_map(|(conversation, lane)| {
            lane.items().map(|item| View {
                conversation: *conversation,
                client_id: item.client_id,
                body: item.body.clone(),
                failed: None,
            })
        });
        let failed = self.failed.iter().map(|((conversation, client_id), (item, error))| View {
            conversation: *conversation,
            client_id: *client_id,
            body: item.body.clone(),
            failed: Some(error.clone()),
        });
        pending.chain(failed).collect()
    }
}

/// Reads the log downwards from its head until everything is found or cannot be further down.
async fn look(
    account: &Arc<Account>,
    conversation: ConversationId,
    me: tidings_domain::ids::UserId,
    search: &Search,
) -> Result<Found, ApiError> {
    let mut found = Found { sent: std::collections::HashMap::new(), upto: 0 };
    let mut before = None;
    loop {
        let query = EntriesQuery { after: None, before, limit: Some(SEARCH_PAGE) };
        let page = account.ask(|token| account.api.entries(token, conversation, query)).await?;
        found.upto = found.upto.max(page.entries.last().map_or(0, |entry| entry.seq));
        for entry in &page.entries {
            if entry.sender.0 == me && search.ids.contains(&entry.client_id.0) {
                let sent = Sent { seq: entry.seq, sent_at: entry.sent_at, duplicate: true };
                found.sent.insert(entry.client_id.0, sent);
            }
        }
        let Some(first) = page.entries.first() else { return Ok(found) };
        let enough = match search.after {
            Some(after) => first.seq <= after + 1,
            None => first.sent_at < search.since_ms,
        };
        if enough || !page.more || found.sent.len() == search.ids.len() {
            return Ok(found);
        }
        before = Some(first.seq);
    }
}
