//! Requests with a reply: sent again until answered, given up in the end.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;
use tidings_domain::ids::ConversationId;
use tidings_protocol::error::ErrorBody;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::timers::Timer;
use super::{Change, Effect, Engine};
use crate::error::{ApiError, CallError};
use crate::socket::Outgoing;

/// Who waits for the reply.
#[derive(Debug)]
pub(super) enum To {
    /// The user.
    Caller(oneshot::Sender<Result<Value, CallError>>),
    /// The sync of this connection.
    Sync,
    /// My read position in a conversation.
    Read(ConversationId, u64),
}

#[derive(Debug)]
struct Open {
    action: &'static str,
    text: String,
    to: To,
    tries: u32,
    flying: bool,
    give_up: Instant,
    refused: Option<ErrorBody>,
    /// The request under another client id, if it changes something.
    change: Option<Change>,
}

/// The requests that are not answered.
#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    open: HashMap<u64, Open>,
}

impl Calls {
    /// A name for the next request.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// The frame of a request.
pub(super) fn frame(action: &'static str, request: u64, fields: Value) -> String {
    let mut frame = match fields {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    frame.insert("action".into(), action.into());
    frame.insert("id".into(), request.to_string().into());
    Value::Object(frame).to_string()
}

impl Engine {
    pub(super) fn call(&mut self, action: &'static str, fields: Value, to: To) {
        self.begin(action, fields, to, None);
    }

    /// Makes a change under a client id of its own, which stays the same however often it is sent (IDEM-1).
    pub(super) fn change(
        &mut self,
        action: &'static str,
        change: Change,
        answer: oneshot::Sender<Result<Value, CallError>>,
    ) {
        let fields = change.under(self.new_client_id());
        self.begin(action, fields, To::Caller(answer), Some(change));
    }

    fn begin(&mut self, action: &'static str, fields: Value, to: To, change: Option<Change>) {
        let request = self.calls.next_id();
        let text = frame(action, request, fields);
        let timing = &self.options.timing;
        let give_up = Instant::now() + if change.is_some() { timing.change_within } else { timing.call_within };
        let call = Open { action, text, to, tries: 0, flying: false, give_up, refused: None, change };
        self.calls.open.insert(request, call);
        self.attempt_call(request);
    }

    /// Writes a call if there is a connection. Either way a timer looks after it.
    fn attempt_call(&mut self, request: u64) {
        let up = self.link.open();
        let again = Instant::now() + self.options.timing.resend_after;
        let Some(call) = self.calls.open.get_mut(&request) else { return };
        call.tries += 1;
        call.flying = up;
        let (when, tries) = (if up { again.min(call.give_up) } else { call.give_up }, call.tries);
        if up {
            self.effects.push(Effect::Write(Outgoing { action: call.action, text: call.text.clone() }));
        }
        self.timers.at(when, Timer::Call(request, tries));
    }

    /// A call's time has come: give it up, or send it again.
    pub(super) fn call_again(&mut self, request: u64, tried: u32) {
        let Some(call) = self.calls.open.get(&request).filter(|call| call.tries == tried) else { return };
        let gone = matches!(&call.to, To::Caller(answer) if answer.is_closed());
        if gone {
            self.calls.open.remove(&request);
        } else if Instant::now() >= call.give_up {
            if let Some(call) = self.calls.open.remove(&request) {
                let error = call.refused.map_or(CallError::TimedOut, CallError::Refused);
                self.give_up(call.to, error);
            }
        } else if call.flying && self.deaf() {
            self.lost("the server does not answer".into());
        } else {
            self.attempt_call(request);
        }
    }

    pub(super) fn replied(&mut self, request: u64, result: Result<Value, ErrorBody>) {
        if let Err(ErrorBody { server_time: Some(server_time), .. }) = &result {
            self.heard_time(*server_time);
            if self.rename(request) {
                return self.attempt_call(request);
            }
        }
        let Some(call) = self.calls.open.get_mut(&request) else { return };
        if let Err(error) = &result
            && error.code.retryable()
        {
            call.flying = false;
            call.refused = Some(error.clone());
            let (tries, give_up) = (call.tries, call.give_up);
            let asked = Duration::from_millis(error.retry_after_ms.unwrap_or(0));
            let wait = self.back_off(tries).max(asked);
            return self.timers.at((Instant::now() + wait).min(give_up), Timer::Call(request, tries));
        }
        let Some(call) = self.calls.open.remove(&request) else { return };
        match (call.to, result) {
            (To::Caller(answer), result) => {
                let result = result.map_err(CallError::Refused);
                self.effects.push(Effect::Answer(Box::new(move |_| drop(answer.send(result)))));
            }
            (To::Sync, Ok(page)) => self.sync_page(page),
            (To::Read(conversation, seq), Ok(reply)) => self.read_told(conversation, seq, &reply),
            (to, Err(error)) => self.give_up(to, CallError::Refused(error)),
        }
    }

    /// Gives a change another client id, of the server's time, when the server took none from the future. Not after the
    /// first try: an earlier one may have been done.
    fn rename(&mut self, request: u64) -> bool {
        let client_id = self.new_client_id();
        let Some(call) = self.calls.open.get_mut(&request).filter(|call| call.tries == 1) else { return false };
        let Some(change) = &call.change else { return false };
        call.text = frame(call.action, request, change.under(client_id));
        true
    }

    fn give_up(&mut self, to: To, error: CallError) {
        match to {
            To::Caller(answer) => {
                self.effects.push(Effect::Answer(Box::new(move |_| drop(answer.send(Err(error))))));
            }
            To::Sync => self.lost(format!("sync failed: {error}")),
            To::Read(conversation, seq) => self.read_refused(conversation, seq, &error),
        }
    }

    /// A new connection: what callers wait for goes out again.
    pub(super) fn resume_calls(&mut self) {
        let waiting: Vec<u64> =
            self.calls.open.iter().filter(|(_, call)| !call.flying).map(|(request, _)| *request).collect();
        for request in waiting {
            self.attempt_call(request);
        }
    }

    /// What belonged to the connection ends with it; what somebody waits for stays.
    pub(super) fn calls_lost(&mut self) {
        self.calls.open.retain(|_, call| matches!(call.to, To::Caller(_)));
        let mut lost = Vec::new();
        for (request, call) in &mut self.calls.open {
            call.flying = false;
            lost.push((call.give_up, Timer::Call(*request, call.tries)));
        }
        for (when, timer) in lost {
            self.timers.at(when, timer);
        }
    }

    /// There will be no connection any more: nobody waits for one.
    pub(super) fn calls_signed_out(&mut self) {
        for (_, call) in std::mem::take(&mut self.calls.open) {
            if let To::Caller(answer) = call.to {
                let error = CallError::Api(ApiError::SignedOut);
                self.effects.push(Effect::Answer(Box::new(move |_| drop(answer.send(Err(error))))));
            }
        }
    }

    pub(super) fn suspect_calls(&mut self, wait: Duration) {
        let soon = Instant::now() + wait;
        for (request, call) in self.calls.open.iter().filter(|(_, call)| call.flying) {
            self.timers.at(soon, Timer::Call(*request, call.tries));
        }
    }
}
