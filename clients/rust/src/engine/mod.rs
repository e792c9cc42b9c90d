//! The engine: one task that owns everything about one device's connection, so that nothing is shared or locked.
//!
//! It works in rounds. A round takes whatever has come in, lets the state machines decide, collects what they want
//! written, commits that once, and only then acts: writes frames, answers callers, tells updates. So a message is
//! durable before its frame is written, and a burst costs one commit.

mod calls;
mod catch_up;
mod link;
mod reading;
mod sending;
mod timers;
mod typing;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_protocol::actions::{HistoryReply, Sent};
use tidings_protocol::body::Body;
use tidings_protocol::entry::Entry;
use tidings_protocol::error::ErrorBody;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use self::calls::Calls;
use self::catch_up::Pulls;
use self::link::Link;
use self::timers::{Timer, Timers};
use crate::clock::{self, Dice};
use crate::config::Options;
use crate::error::{ApiError, CallError, NotSent, SendError, StoreError};
use crate::outbox::{Item, Lane};
use crate::session::Account;
use crate::socket::{Outgoing, Stream};
use crate::store::{Store, Write};
use crate::timeline::{Need, Timeline};
use crate::update::{ConnectionState, Update};
use crate::view::{Conversation, Outgoing as View};

/// So many commands or inputs make one round at most.
const ROUND: usize = 256;

/// How a message ended.
pub(crate) type Ending = Result<Sent, NotSent>;

/// A request that changes something, under any client id.
pub(crate) struct Change(Box<dyn Fn(ClientId) -> Value + Send>);

impl Change {
    pub(crate) fn new(make: impl Fn(ClientId) -> Value + Send + 'static) -> Self {
        Self(Box::new(make))
    }

    fn under(&self, client_id: ClientId) -> Value {
        (self.0)(client_id)
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change").finish_non_exhaustive()
    }
}

/// What the handle asks for.
#[derive(Debug)]
pub(crate) enum Command {
    Connect,
    Disconnect,
    Sync,
    Send {
        conversation: ConversationId,
        body: Body,
        bytes: usize,
        answer: oneshot::Sender<Result<(ClientId, oneshot::Receiver<Ending>), SendError>>,
    },
    Read {
        conversation: ConversationId,
        seq: u64,
        answer: oneshot::Sender<Result<(), StoreError>>,
    },
    Older {
        conversation: ConversationId,
        entries: Vec<Entry>,
    },
    Typing {
        conversation: ConversationId,
        typing: bool,
    },
    Call {
        action: &'static str,
        fields: Value,
        answer: oneshot::Sender<Result<Value, CallError>>,
    },
    Change {
        action: &'static str,
        change: Change,
        answer: oneshot::Sender<Result<Value, CallError>>,
    },
    /// An answer named this entry.
    Exists {
        conversation: ConversationId,
        seq: u64,
    },
    Conversations(Option<ConversationId>, oneshot::Sender<Vec<Conversation>>),
    Outbox(oneshot::Sender<Vec<View>>),
    Idle(oneshot::Sender<()>),
    Close(oneshot::Sender<()>),
}

/// What the network brings. Of a connection it carries its generation.
#[derive(Debug)]
pub(crate) enum Input {
    Opened(u64, Result<Box<Stream>, ApiError>),
    Frame(u64, String),
    Closed(u64, String),
    Page(ConversationId, Need, Result<HistoryReply, ApiError>),
    Searched(ConversationId, Result<Found, ApiError>),
}

/// What a search for an attempt's earlier traces brought.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) sent: HashMap<ClientId, Sent>,
    /// The log was searched up to here.
    pub(crate) upto: u64,
}

/// Tells a caller, who hears whether the commit worked.
type Answer = Box<dyn FnOnce(Result<(), &StoreError>) + Send>;

/// What is done after the commit.
enum Effect {
    Write(Outgoing),
    Tell(Update),
    Answer(Answer),
}

/// One device's engine.
pub(crate) struct Engine {
    options: Options,
    account: Arc<Account>,
    store: Store,
    me: UserId,
    dice: Dice,
    /// How far our clock is ahead of the server's, in milliseconds, as far as it ever complained.
    clock_ahead_ms: u64,
    updates: broadcast::Sender<Arc<Update>>,
    states: watch::Sender<ConnectionState>,
    inputs: mpsc::Sender<Input>,
    link: Link,
    calls: Calls,
    timers: Timers,
    timelines: HashMap<ConversationId, Timeline>,
    pulls: Pulls,
    since: Option<String>,
    lanes: HashMap<ConversationId, Lane>,
    /// The request and try of the attempt that each lane has on the wire.
    flights: HashMap<ConversationId, (u64, u32)>,
    handles: HashMap<(ConversationId, ClientId), oneshot::Sender<Ending>>,
    failed: HashMap<(ConversationId, ClientId), (Item, ErrorBody)>,
    /// Conversations whose read position is on its way to the server.
    reads: HashSet<ConversationId>,
    /// When I last said whether I write, and what.
    typed: HashMap<ConversationId, (Instant, bool)>,
    idle: Vec<oneshot::Sender<()>>,
    dirty: HashSet<ConversationId>,
    writes: Vec<Write>,
    effects: Vec<Effect>,
}

impl Engine {
    /// Loads what is stored and starts the task.
    pub(crate) async fn start(
        options: Options,
        account: Arc<Account>,
        store: Store,
        me: UserId,
        (updates, states): (broadcast::Sender<Arc<Update>>, watch::Sender<ConnectionState>),
    ) -> Result<mpsc::Sender<Command>, StoreError> {
        let loaded = store.load(me).await?;
        let (inputs, heard) = mpsc::channel(ROUND);
        let (handle, commands) = mpsc::channel(ROUND);
        let restore =
            |(conversation, position, unread)| (conversation, Timeline::restore(conversation, me, position, unread));
        let engine = Self {
            dice: Dice::new(options.seed),
            clock_ahead_ms: 0,
            updates,
            states,
            inputs,
            link: Link::default(),
            calls: Calls::default(),
            timers: Timers::default(),
            timelines: loaded.conversations.into_iter().map(restore).collect(),
            pulls: Pulls::default(),
            since: loaded.since,
            lanes: loaded.lanes.into_iter().collect(),
            flights: HashMap::new(),
            handles: HashMap::new(),
            failed: loaded.failed.into_iter().map(|(of, item, error)| ((of, item.client_id), (item, error))).collect(),
            reads: HashSet::new(),
            typed: HashMap::new(),
            idle: Vec::new(),
            dirty: HashSet::new(),
            writes: Vec::new(),
            effects: Vec::new(),
            options,
            account,
            store,
            me,
        };
        tokio::spawn(engine.run(commands, heard));
        Ok(handle)
    }

    async fn run(mut self, mut commands: mpsc::Receiver<Command>, mut heard: mpsc::Receiver<Input>) {
        let mut batch = Vec::with_capacity(ROUND);
        let closing = loop {
            let next = self.timers.next().unwrap_or_else(|| Instant::now() + Duration::from_hours(1));
            tokio::select! {
                taken = commands.recv_many(&mut batch, ROUND) => if taken == 0 { break None },
                Some(input) = heard.recv() => self.input(input),
                () = sleep_until(next) => {}
            }
            let mut closing = None;
            for command in batch.drain(..) {
                match command {
                    Command::Close(answer) => closing = Some(answer),
                    command => self.command(command),
                }
            }
            for _ in 0..ROUND {
                let Ok(input) = heard.try_recv() else { break };
                self.input(input);
            }
            let now = Instant::now();
            while let Some(timer) = self.timers.pop(now) {
                self.fire(timer);
            }
            self.check_idle();
            if let Err(error) = self.flush().await {
                tracing::error!(%error, "the client stops");
                break closing;
            }
            if closing.is_some() {
                break closing;
            }
        };
        self.link.close();
        self.states.send_replace(ConnectionState::Closed);
        let _ = self.updates.send(Arc::new(Update::Connection(ConnectionState::Closed)));
        // Whoever waits for a message or a call learns that nobody is there any more.
        drop(self);
        if let Some(answer) = closing {
            let _ = answer.send(());
        }
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Connect => self.connect(),
            Command::Disconnect => self.disconnect(),
            Command::Sync => self.sync_again(),
            Command::Send { conversation, body, bytes, answer } => self.enqueue(conversation, body, bytes, answer),
            Command::Read { conversation, seq, answer } => self.read(conversation, seq, answer),
            Command::Older { conversation, entries } => self.older(conversation, entries),
            Command::Typing { conversation, typing } => self.typing(conversation, typing),
            Command::Call { action, fields, answer } => self.call(action, fields, calls::To::Caller(answer)),
            Command::Change { action, change, answer } => self.change(action, change, answer),
            Command::Exists { conversation, seq } => self.exists(conversation, seq),
            Command::Conversations(only, answer) => drop(answer.send(self.conversations(only))),
            Command::Outbox(answer) => drop(answer.send(self.outbox())),
            Command::Idle(answer) => self.idle.push(answer),
            Command::Close(_) => {}
        }
    }

    fn input(&mut self, input: Input) {
        match input {
            Input::Opened(generation, opened) => self.opened(generation, opened),
            Input::Frame(generation, text) => {
                if self.link.is(generation) {
                    self.frame(&text);
                }
            }
            Input::Closed(generation, reason) => {
                if self.link.is(generation) {
                    self.lost(reason);
                }
            }
            Input::Page(conversation, asked, page) => self.page(conversation, asked, page),
            Input::Searched(conversation, found) => self.searched(conversation, found),
        }
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Reopen(generation) => self.reopen(generation),
            Timer::Ping(generation) => self.ping(generation),
            Timer::Renew(generation) => self.renew(generation),
            Timer::Stable(generation) => self.link.stable(generation),
            Timer::Sync(generation) => self.planned_sync(generation),
            Timer::Recheck(generation) => self.recheck(generation),
            Timer::Gap(conversation) => self.gap_waited(conversation),
            Timer::Rested(conversation) => self.rested(conversation),
            Timer::Unanswered(conversation, request, tried) => self.send_unanswered(conversation, request, tried),
            Timer::Call(request, tried) => self.call_again(request, tried),
            Timer::Read(conversation) => self.tell_read(conversation),
        }
    }

    /// Commits what this round changed, then does what waits for that.
    async fn flush(&mut self) -> Result<(), StoreError> {
        self.tell_unread();
        // Positions first: an entry belongs to a conversation.
        let timelines = &self.timelines;
        let mut writes: Vec<Write> = self
            .dirty
            .drain()
            .filter_map(|of| timelines.get(&of).map(|timeline| Write::Position(of, timeline.position().clone())))
            .collect();
        writes.append(&mut self.writes);
        let written = if writes.is_empty() { Ok(()) } else { self.store.write(writes).await };
        for effect in std::mem::take(&mut self.effects) {
            match (effect, &written) {
                (Effect::Answer(answer), written) => answer(written.as_ref().copied()),
                (Effect::Write(frame), Ok(())) => self.link.write(frame),
                // No reader is no error.
                (Effect::Tell(update), Ok(())) => {
                    if let Update::Connection(state) = &update {
                        self.states.send_replace(state.clone());
                    }
                    let _ = self.updates.send(Arc::new(update));
                }
                (Effect::Write(_) | Effect::Tell(_), Err(_)) => {}
            }
        }
        written
    }

    fn tell(&mut self, update: Update) {
        self.effects.push(Effect::Tell(update));
    }

    fn after(&mut self, wait: Duration, timer: Timer) {
        self.timers.at(Instant::now() + wait, timer);
    }

    fn back_off(&mut self, failures: u32) -> Duration {
        let timing = &self.options.timing;
        self.dice.back_off(timing.back_off_base, timing.back_off_cap, failures)
    }

    /// A name for something that is composed now.
    fn new_client_id(&mut self) -> ClientId {
        self.dice.client_id(clock::now().minus_millis(self.clock_ahead_ms))
    }

    /// The server said what time it is there, because our clock is ahead.
    fn heard_time(&mut self, server_time: u64) {
        self.clock_ahead_ms = clock::now().as_millis().saturating_sub(server_time);
    }

    /// The conversation, known from now on if it was not.
    fn timeline(&mut self, conversation: ConversationId) -> &mut Timeline {
        let me = self.me;
        self.timelines.entry(conversation).or_insert_with(|| Timeline::new(conversation, me))
    }

    /// Answers those who wait until nothing is on its way.
    fn check_idle(&mut self) {
        if self.idle.is_empty() || self.lanes.values().any(|lane| !lane.is_empty()) || self.reads_open() {
            return;
        }
        for waiting in std::mem::take(&mut self.idle) {
            self.effects.push(Effect::Answer(Box::new(move |_| {
                // Whoever waited may have gone.
                let _ = waiting.send(());
            })));
        }
    }
}
