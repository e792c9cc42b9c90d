//! Catching up: sync, pulls, pushes (HINT-1, MEET-1).
//!
//! After connecting, pushes are held back until sync has told what there is and pulls have brought what its entries
//! did not cover; then they are let go, and nothing can have been missed.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use serde_json::Value;
use tidings_domain::ids::ConversationId;
use tidings_protocol::actions::{Call, HistoryReply, Sync, SyncReply};
use tidings_protocol::event::Event;
use tidings_protocol::http::EntriesQuery;
use tokio::time::Instant;

use super::calls::To;
use super::timers::Timer;
use super::{Engine, Input};
use crate::error::ApiError;
use crate::store::Write;
use crate::timeline::{Need, Step};
use crate::update::Update;

/// Pulls at the same time at most.
const PULLS: usize = 4;

/// Entries per pull at most: the most that the server gives.
const PULL_PAGE: u64 = 1_000;

/// Events held back at most. Beyond, a second sync is cheaper than the memory.
const HELD_MAX: usize = 4_096;

/// A sync under way.
#[derive(Debug, Default)]
struct Run {
    /// The first page's, for the next sync.
    since: Option<String>,
}

/// What is being caught up.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    sync: Option<Run>,
    /// Another sync was asked for meanwhile.
    again: bool,
    /// When the next sync is due that somebody asked for: a hint to pull, or a number that only the server knows.
    planned: Option<Instant>,
    held: Vec<Event>,
    queue: VecDeque<ConversationId>,
    queued: HashSet<ConversationId>,
    running: HashSet<ConversationId>,
    /// Gaps that are given a moment to close by themselves.
    waiting: HashSet<ConversationId>,
    failures: HashMap<ConversationId, u32>,
    /// What this connection waits for before it is online.
    first: HashSet<ConversationId>,
}

impl Engine {
    /// Begins the sync of a new connection.
    pub(super) fn start_sync(&mut self) {
        self.pulls.sync = Some(Run::default());
        self.ask_sync(None);
    }

    /// Syncs once more on a connection that is up.
    pub(super) fn sync_again(&mut self) {
        if self.pulls.sync.is_some() {
            self.pulls.again = true;
        } else if self.link.open() {
            self.start_sync();
        }
    }

    /// Syncs after a random time between these. One sync answers everybody who asks for one before it.
    pub(super) fn sync_after(&mut self, wait: (Duration, Duration)) {
        let at = Instant::now() + self.dice.between(wait);
        if self.pulls.planned.is_none_or(|planned| at < planned) {
            self.pulls.planned = Some(at);
            self.timers.at(at, Timer::Sync(self.link.generation()));
        }
    }

    /// The time of a planned sync has come, or that of one which an earlier one has answered.
    pub(super) fn planned_sync(&mut self, generation: u64) {
        if self.link.is(generation) && self.pulls.planned.take_if(|planned| *planned <= Instant::now()).is_some() {
            self.sync_again();
        }
    }

    /// Pushes are hints, and the last one may have been lost without a later one to show it.
    pub(super) fn recheck(&mut self, generation: u64) {
        if self.link.is(generation) {
            self.sync_again();
            self.plan_recheck(generation);
        }
    }

    pub(super) fn plan_recheck(&mut self, generation: u64) {
        let wait = self.dice.between(self.options.timing.recheck_every);
        self.after(wait, Timer::Recheck(generation));
    }

    fn ask_sync(&mut self, cursor: Option<String>) {
        let request = Sync { cursor, since: self.since.clone() };
        // Strings alone: this cannot fail.
        let fields = serde_json::to_value(&request).unwrap_or_default();
        self.call(Sync::ACTION, fields, To::Sync);
    }

    pub(super) fn sync_page(&mut self, page: Value) {
        let page: SyncReply = match serde_json::from_value(page) {
            Ok(page) => page,
            Err(error) => return self.lost(format!("the answer to sync is not understood: {error}")),
        };
        let Some(run) = &mut self.pulls.sync else { return };
        run.since.get_or_insert(page.since);
        let since = run.since.clone();
        let first_page = self.options.first_page;
        for synced in &page.conversations {
            let conversation = synced.conversation.0;
            let step = self.timeline(conversation).synced(synced, first_page);
            self.record(conversation, step);
            if self.timeline(conversation).need().is_some() {
                self.pulls.first.insert(conversation);
                self.pull(conversation);
            }
        }
        match (page.more, page.cursor) {
            (true, Some(cursor)) => return self.ask_sync(Some(cursor)),
            (true, None) => return self.lost("a sync without an end".into()),
            (false, _) => {}
        }
        self.pulls.sync = None;
        if let Some(since) = since {
            self.writes.push(Write::Since(since.clone()));
            self.since = Some(since);
        }
        if std::mem::take(&mut self.pulls.again) {
            self.start_sync();
        }
        self.check_online();
    }

    /// Online as soon as the sync and everything that it left open is done.
    fn check_online(&mut self) {
        if !self.link.syncing() || self.pulls.sync.is_some() || !self.pulls.first.is_empty() {
            return;
        }
        self.now_online();
        for event in std::mem::take(&mut self.pulls.held) {
            self.event(event);
        }
        self.pump_all();
        self.tell_reads();
    }

    pub(super) fn events(&mut self, events: Vec<Value>) {
        for event in events {
            // One that is not understood is a hint less, and sync tells all.
            let Ok(event) = serde_json::from_value::<Event>(event) else { continue };
            if let Event::Kicked { reason } = event {
                return self.kicked(reason);
            }
            if !self.link.syncing() {
                self.event(event);
                continue;
            }
            self.pulls.held.push(event);
            if self.pulls.held.len() > HELD_MAX {
                self.pulls.held.clear();
                self.sync_again();
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Entry { conversation, entry } => {
                let step = self.timeline(conversation.0).offer(entry);
                self.record(conversation.0, step);
                self.watch_gap(conversation.0);
            }
            Event::Read { conversation, user, seq } if user.0 == self.me => self.read_elsewhere(conversation.0, seq),
            Event::Read { conversation, user, seq } if self.timeline(conversation.0).peer_read(seq) => {
                self.dirty.insert(conversation.0);
                self.tell(Update::Read { conversation: conversation.0, user: user.0, seq });
            }
            Event::Pull { within_ms } => self.sync_after((Duration::ZERO, Duration::from_millis(within_ms))),
            Event::Presence { user, online, last_seen } => {
                self.tell(Update::Presence { user: user.0, online, last_seen });
            }
            Event::Typing { conversation, user, typing } => {
                self.tell(Update::Typing { conversation: conversation.0, user: user.0, typing });
            }
            _ => {}
        }
    }

    /// What a timeline's step means for the store and for the user.
    pub(super) fn record(&mut self, conversation: ConversationId, step: Step) {
        self.dirty.insert(conversation);
        if let Some(to) = step.jumped {
            self.tell(Update::Jumped { conversation, to });
        }
        for entry in step.applied {
            if entry.sender.0 == self.me && !self.failed.is_empty() {
                let sent = tidings_protocol::actions::Sent { seq: entry.seq, sent_at: entry.sent_at, duplicate: true };
                self.heal(conversation, entry.client_id.0, sent);
            }
            self.writes.push(Write::Entry(conversation, entry.clone()));
            self.tell(Update::Entry { conversation, entry });
        }
        for entry in step.changed {
            self.writes.push(Write::Entry(conversation, entry.clone()));
            self.tell(Update::Changed { conversation, entry });
        }
    }

    /// An entry is known to exist. Nobody pushes it: whoever caused it was answered instead.
    pub(super) fn exists(&mut self, conversation: ConversationId, seq: u64) {
        self.timeline(conversation).exists(seq);
        if self.link.online() {
            self.pull(conversation);
        } else {
            self.watch_gap(conversation);
        }
    }

    /// If there is a gap, gives it a moment to close by itself: a late push usually arrives meanwhile.
    pub(super) fn watch_gap(&mut self, conversation: ConversationId) {
        let open = self.timelines.get(&conversation).is_some_and(|timeline| timeline.need().is_some());
        if !open || self.pulls.queued.contains(&conversation) || self.pulls.running.contains(&conversation) {
            return;
        }
        if self.pulls.waiting.insert(conversation) {
            let wait = self.dice.between(self.options.timing.gap_wait);
            self.after(wait, Timer::Gap(conversation));
        }
    }

    pub(super) fn gap_waited(&mut self, conversation: ConversationId) {
        self.pulls.waiting.remove(&conversation);
        // Without a connection the next sync will tell.
        if self.link.open() {
            self.pull(conversation);
        }
    }

    fn pull(&mut self, conversation: ConversationId) {
        if !self.pulls.running.contains(&conversation) && self.pulls.queued.insert(conversation) {
            self.pulls.queue.push_back(conversation);
        }
        self.start_pulls();
    }

    fn start_pulls(&mut self) {
        while self.pulls.running.len() < PULLS {
            let Some(conversation) = self.pulls.queue.pop_front() else { return };
            self.pulls.queued.remove(&conversation);
            let Some(need) = self.timelines.get(&conversation).and_then(crate::timeline::Timeline::need) else {
                self.pulls.first.remove(&conversation);
                continue;
            };
            let query = match need {
                Need::After { after, limit } => {
                    EntriesQuery { after: Some(after), before: None, limit: usize::try_from(limit.min(PULL_PAGE)).ok() }
                }
                Need::Newest => EntriesQuery::default(),
            };
            self.pulls.running.insert(conversation);
            let (account, inputs) = (self.account.clone(), self.inputs.clone());
            tokio::spawn(async move {
                let page = account.ask(|token| account.api.entries(token, conversation, query)).await;
                let _ = inputs.send(Input::Page(conversation, need, page)).await;
            });
        }
    }

    pub(super) fn page(&mut self, conversation: ConversationId, asked: Need, page: Result<HistoryReply, ApiError>) {
        self.pulls.running.remove(&conversation);
        let before = self.timeline(conversation).position().last;
        match page {
            Ok(page) => {
                let step = self.timeline(conversation).page(asked, page);
                self.record(conversation, step);
            }
            Err(error) => {
                tracing::debug!(%conversation, %error, "a pull failed");
                if !error.retryable() {
                    self.timeline(conversation).give_up();
                    self.dirty.insert(conversation);
                }
            }
        }
        let timeline = self.timeline(conversation);
        let (done, moved) = (timeline.need().is_none(), timeline.position().last > before);
        if done || moved {
            self.pulls.failures.remove(&conversation);
        }
        if !done && moved {
            self.pull(conversation);
        } else {
            // Neither one conversation that does not come nor one that is complete keeps the others waiting.
            self.pulls.first.remove(&conversation);
            if !done && self.pulls.waiting.insert(conversation) {
                let failures = self.pulls.failures.entry(conversation).or_default();
                *failures += 1;
                let failures = *failures;
                let wait = self.back_off(failures).max(self.options.timing.gap_wait.0);
                self.after(wait, Timer::Gap(conversation));
            }
        }
        self.start_pulls();
        self.check_online();
    }

    pub(super) fn catch_up_lost(&mut self) {
        self.pulls.sync = None;
        self.pulls.again = false;
        self.pulls.planned = None;
        self.pulls.held.clear();
        self.pulls.queue.clear();
        self.pulls.queued.clear();
        self.pulls.first.clear();
        self.reads.clear();
    }
}
