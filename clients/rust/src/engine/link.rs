//! The connection: opened, lost, opened again.

use serde::Deserialize;
use serde_json::Value;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::event::KickReason;
use tokio::time::{Instant, timeout};

use super::timers::Timer;
use super::{Engine, Input};
use crate::error::ApiError;
use crate::socket::{self, Outgoing, Socket, Stream};
use crate::store::Write;
use crate::update::{ConnectionState, Update};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Down,
    Opening,
    Syncing,
    Online,
}

/// How far the connection is.
#[derive(Debug, Default)]
pub(super) struct Link {
    wanted: bool,
    state: State,
    /// Counts connections, so that what an old one still says is not taken for the new one's.
    generation: u64,
    socket: Option<Socket>,
    failures: u32,
    heard: Option<Instant>,
}

impl Link {
    /// Whether this is the present connection.
    pub(super) fn is(&self, generation: u64) -> bool {
        self.generation == generation && self.socket.is_some()
    }

    /// Whether frames can be written.
    pub(super) const fn open(&self) -> bool {
        self.socket.is_some()
    }

    /// Whether the first sync of this connection is not complete.
    pub(super) fn syncing(&self) -> bool {
        self.state == State::Syncing
    }

    /// Whether everything is caught up and messages may go out.
    pub(super) fn online(&self) -> bool {
        self.state == State::Online
    }

    pub(super) const fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn write(&self, frame: Outgoing) {
        if let Some(socket) = &self.socket {
            socket.write(frame);
        }
    }

    /// The connection has proved itself: the next loss is the first again.
    pub(super) fn stable(&mut self, generation: u64) {
        if self.is(generation) {
            self.failures = 0;
        }
    }

    pub(super) fn close(&mut self) {
        self.generation += 1;
        self.state = State::Down;
        self.socket = None;
    }
}

/// A frame from the server: a reply, events, or the gateway's own error.
#[derive(Deserialize)]
struct Incoming {
    #[serde(default)]
    reply: Option<String>,
    #[serde(default)]
    ok: Option<Value>,
    #[serde(default)]
    error: Option<Value>,
    #[serde(default)]
    events: Option<Vec<Value>>,
}

impl Engine {
    /// The user wants to be online, now.
    pub(super) fn connect(&mut self) {
        self.link.wanted = true;
        if self.link.state == State::Down {
            self.open();
        }
    }

    /// The user wants to be offline.
    pub(super) fn disconnect(&mut self) {
        self.link.wanted = false;
        self.cut();
        self.tell(Update::Connection(ConnectionState::Offline { reason: "as asked".into(), retry_in: None }));
    }

    fn open(&mut self) {
        self.link.generation += 1;
        self.link.state = State::Opening;
        self.tell(Update::Connection(ConnectionState::Connecting));
        let (account, inputs) = (self.account.clone(), self.inputs.clone());
        let (generation, within) = (self.link.generation, self.options.timing.open_within);
        tokio::spawn(async move {
            let opening = async {
                let ticket = account.ask(|token| account.api.ticket(token)).await?;
                let stream = socket::open(account.api.network(), &ticket).await;
                stream.map(Box::new).map_err(|reason| account.api.unreachable(reason))
            };
            let opened = timeout(within, opening)
                .await
                .unwrap_or_else(|_| Err(account.api.unreachable("it takes too long to open a connection".into())));
            let _ = inputs.send(Input::Opened(generation, opened)).await;
        });
    }

    pub(super) fn opened(&mut self, generation: u64, opened: Result<Box<Stream>, ApiError>) {
        if self.link.state != State::Opening || self.link.generation != generation {
            return;
        }
        let stream = match opened {
            Ok(stream) => stream,
            Err(ApiError::SignedOut) => return self.signed_out(),
            Err(error) => return self.lost(error.to_string()),
        };
        let socket = socket::serve(*stream, self.inputs.clone(), generation, self.options.after_write.clone());
        self.link.socket = Some(socket);
        self.link.state = State::Syncing;
        self.link.heard = Some(Instant::now());
        self.tell(Update::Connection(ConnectionState::Syncing));
        let timing = self.options.timing;
        let (ping, renew) = (self.dice.between(timing.ping_every), self.dice.between(timing.renew_after));
        self.after(ping, Timer::Ping(generation));
        self.after(renew, Timer::Renew(generation));
        self.after(timing.stable_after, Timer::Stable(generation));
        self.plan_recheck(generation);
        self.start_sync();
        self.resume_calls();
    }

    /// This device was signed out: its session is over, and there is nothing to come back with.
    pub(super) fn kicked(&mut self, reason: KickReason) {
        self.tell(Update::Kicked { reason });
        let account = self.account.clone();
        tokio::spawn(async move { account.end().await });
        self.writes.push(Write::Session(None));
        self.signed_out();
    }

    fn signed_out(&mut self) {
        self.link.wanted = false;
        self.cut();
        self.tell(Update::Connection(ConnectionState::SignedOut));
        self.calls_signed_out();
    }

    /// The connection is gone: what was on its way has an unknown outcome and goes again over the next one.
    pub(super) fn lost(&mut self, reason: String) {
        self.cut();
        if !self.link.wanted {
            return;
        }
        let wait = self.back_off(self.link.failures);
        self.link.failures = self.link.failures.saturating_add(1);
        self.tell(Update::Connection(ConnectionState::Offline { reason, retry_in: Some(wait) }));
        self.after(wait, Timer::Reopen(self.link.generation));
    }

    /// Nothing was heard while a request was written twice: a connection that is dead without knowing it. Not after
    /// the first time, because a server that is merely slow would get new connections on top.
    pub(super) fn deaf(&self) -> bool {
        self.link.heard.is_none_or(|heard| heard.elapsed() >= self.options.timing.resend_after * 2)
    }

    fn cut(&mut self) {
        self.link.close();
        self.lanes_lost();
        self.calls_lost();
        self.catch_up_lost();
    }

    pub(super) fn reopen(&mut self, generation: u64) {
        if self.link.wanted && self.link.state == State::Down && self.link.generation == generation {
            self.open();
        }
    }

    pub(super) fn ping(&mut self, generation: u64) {
        if self.link.is(generation) {
            self.link.write(Outgoing { action: "ping", text: r#"{"action":"ping"}"#.into() });
            let next = self.dice.between(self.options.timing.ping_every);
            self.after(next, Timer::Ping(generation));
        }
    }

    /// The gateway ends a connection after two hours. Going earlier, at a time of our own, spreads those who came
    /// together. The new connection cannot open first: a device has one route.
    pub(super) fn renew(&mut self, generation: u64) {
        if self.link.is(generation) {
            self.cut();
            self.open();
        }
    }

    /// Everything is caught up.
    pub(super) fn now_online(&mut self) {
        self.link.state = State::Online;
        self.tell(Update::Connection(ConnectionState::Online));
    }

    pub(super) fn frame(&mut self, text: &str) {
        self.link.heard = Some(Instant::now());
        let Ok(frame) = serde_json::from_str::<Incoming>(text) else {
            tracing::debug!("a frame that is not understood");
            return;
        };
        if let Some(events) = frame.events {
            return self.events(events);
        }
        let result = match (frame.ok, frame.error) {
            (Some(ok), _) => Ok(ok),
            (None, Some(error)) => Err(error_body(error)),
            // The gateway's own error names no request: the outcome of whatever is on its way is unknown.
            (None, None) => return self.suspect(),
        };
        let Some(request) = frame.reply.and_then(|id| id.parse().ok()) else {
            return self.suspect();
        };
        let refused = matches!(&result, Err(error) if error.code == ErrorCode::Unauthenticated);
        match self.flight_of(request) {
            Some(conversation) => self.sent(conversation, result),
            None => self.replied(request, result),
        }
        if refused {
            self.lost("the server no longer accepts this connection".into());
        }
    }

    /// Something on the wire failed, nobody knows what: everything unanswered goes again, soon.
    fn suspect(&mut self) {
        let base = self.options.timing.back_off_base;
        let wait = self.dice.between((base, base * 2));
        self.suspect_lanes(wait);
        self.suspect_calls(wait);
    }
}

/// The error, also with a code that this client does not know yet.
fn error_body(error: Value) -> ErrorBody {
    let retryable = error.get("retryable").and_then(Value::as_bool).unwrap_or(true);
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned();
    serde_json::from_value(error).unwrap_or_else(|_| {
        ErrorBody::new(if retryable { ErrorCode::Internal } else { ErrorCode::BadRequest }, message)
    })
}
