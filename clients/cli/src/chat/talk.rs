//! The course of a chat: what is shown when, and what is done with what is typed.

use std::collections::HashSet;
use std::time::Duration;

use tidings_client::{
    Body, Client, ClientId, ConnectionState, ConversationId, Entry, EntryKind, MessageState, Next, Page, Sent,
    TYPING_FOR, Update,
};
use time::Date;
use tokio::time::{Instant, sleep_until};

use super::screen::{Screen, Style, Typed};
use crate::follow::Follow;
use crate::news::{Told, told};
use crate::people::Names;
use crate::problem::{Problem, SIGNED_OUT, kicked};
use crate::text::{self, Clock, day_name};

/// Messages shown at the beginning, besides what is unread.
const BEGIN_WITH: usize = 20;

/// Unread messages shown at the beginning at most.
const UNREAD_MAX: u64 = 500;

/// Messages that `/history` shows if it is not told how many.
const HISTORY: usize = 50;

/// How long the last messages may take to come back after the input ended.
const END_WITHIN: Duration = Duration::from_secs(30);

/// Characters that are shown of what is said elsewhere.
const PREVIEW: usize = 40;

const HELP: &str = "/history N shows older messages, /quit or Ctrl-D ends";

/// A chat under way.
pub(super) struct Talk<'a> {
    client: &'a Client,
    conversation: ConversationId,
    /// What the conversation is called.
    other: String,
    screen: Screen,
    clock: Clock,
    follow: Follow,
    names: Names<'a>,
    /// The day of the message shown last.
    day: Option<Date>,
    /// The oldest message shown: where `/history` goes on.
    oldest: u64,
    /// My messages that are shown already and will come back as entries.
    echoed: HashSet<ClientId>,
    /// Those on their way.
    sending: HashSet<ClientId>,
    /// My newest acknowledged message.
    mine: u64,
    /// How far the other person has read.
    read: u64,
    online: bool,
    /// Who was told to write here, until when that counts.
    writing: Option<(String, Instant)>,
}

impl<'a> Talk<'a> {
    pub(super) fn new(
        client: &'a Client,
        conversation: ConversationId,
        other: &str,
        screen: Screen,
        clock: Clock,
    ) -> Self {
        Self {
            client,
            conversation,
            other: text::harmless(other),
            screen,
            clock,
            follow: Follow::default(),
            names: Names::new(client),
            day: None,
            oldest: u64::MAX,
            echoed: HashSet::new(),
            sending: HashSet::new(),
            mine: 0,
            read: 0,
            online: client.connection().state() == ConnectionState::Online,
            writing: None,
        }
    }

    /// Talks. Answers whether it ended by itself, and not by an interrupt.
    pub(super) async fn run(mut self) -> Result<bool, Problem> {
        let mut updates = self.client.updates();
        self.begin().await?;
        let mut input = true;
        let mut end_at = None;
        let ended = loop {
            self.prompt()?;
            let silent_at = self.silent_at();
            tokio::select! {
                typed = self.screen.typed(), if input => match typed? {
                    Typed::Line(line) => if !self.line(line.trim_end()).await? { break true },
                    Typed::End => {
                        input = false;
                        end_at = Some(Instant::now() + END_WITHIN);
                        if self.screen.is_terminal() || self.done() {
                            break true;
                        }
                    }
                    Typed::Interrupt => break false,
                },
                next = updates.next() => match next {
                    Some(Next::Update(update)) => self.update(&update).await?,
                    Some(Next::Missed(_)) => self.missed().await?,
                    None => break true,
                },
                // What is said no longer goes from the prompt.
                () = sleep_until(silent_at), if self.writing.is_some() => self.writing = None,
                () = sleep_until(end_at.unwrap_or_else(Instant::now)), if end_at.is_some() => break true,
                // On a terminal Ctrl-C is typed; without one it is a signal.
                _ = tokio::signal::ctrl_c() => break false,
            }
            if !input && self.done() {
                break true;
            }
        };
        self.screen.close()?;
        Ok(ended)
    }

    fn silent_at(&self) -> Instant {
        self.writing.as_ref().map_or_else(Instant::now, |(_, until)| *until)
    }

    /// Whether everything that was typed is in the log, and shown.
    fn done(&self) -> bool {
        self.sending.is_empty() && self.follow.shown(self.conversation) >= self.mine
    }

    /// Shows the last messages, and where the new ones begin.
    async fn begin(&mut self) -> Result<(), Problem> {
        // Begins behind what is shown now: the others' conversations only say that there is something.
        self.follow = Follow::from_here(self.client).await?;
        let view = self.client.conversation(self.conversation).await?;
        let (unread, read) = view.as_ref().map_or((0, 0), |view| (view.unread, view.read_seq));
        self.read = view.as_ref().map_or(0, |view| view.peer_read_seq);
        self.aside(&format!("{} · {HELP}", self.other))?;
        let wanted = usize::try_from(unread.min(UNREAD_MAX)).unwrap_or(0) + BEGIN_WITH;
        // Offline, with nothing here, there is nothing to show.
        let Ok(page) = self.client.messages(self.conversation, Page::Newest, wanted).await else { return Ok(()) };
        let mut marked = unread == 0;
        for entry in &page.entries {
            let theirs = entry.sender.0 != self.client.me().id.0 && entry.kind == EntryKind::Message;
            self.day(entry.sent_at)?;
            if !marked && theirs && entry.seq > read {
                marked = true;
                self.aside(&format!("──── {unread} new ────"))?;
            }
            self.follow.fresh(self.conversation, entry);
            self.show(entry).await?;
        }
        for message in self.client.outbox().await? {
            if message.conversation == self.conversation && message.failed.is_none() {
                self.sending.insert(message.client_id);
            }
        }
        Ok(())
    }

    /// A line was typed. Answers whether to go on.
    async fn line(&mut self, line: &str) -> Result<bool, Problem> {
        let mut words = line.split_whitespace();
        match words.next() {
            None => {}
            Some("/quit" | "/exit" | "/q") => return Ok(false),
            Some("/help") => self.aside(HELP)?,
            Some("/history") => self.older(words.next().and_then(|word| word.parse().ok()).unwrap_or(HISTORY)).await?,
            Some(command) if command.starts_with('/') && !command[1..].contains('/') => {
                self.alert(&format!("there is no {command}; {HELP}"))?;
            }
            Some(_) => match self.client.send(self.conversation, Body::text(line)).await {
                Ok(message) => {
                    let id = message.client_id();
                    self.sending.insert(id);
                    // Shown at once where somebody looks at it; in its place in the log where a program does.
                    if self.screen.is_terminal() {
                        self.echoed.insert(id);
                        let now = id.time().as_millis();
                        self.day(now)?;
                        let me = self.client.me().display_name.to_string();
                        self.print(now, true, Told::Said { who: text::harmless(&me), text: text::harmless(line) })?;
                    }
                }
                Err(error) => self.alert(&format!("not sent: {error}"))?,
            },
        }
        Ok(true)
    }

    async fn update(&mut self, update: &Update) -> Result<(), Problem> {
        match update {
            Update::Entry { conversation, entry } => self.entry(*conversation, entry).await,
            Update::Read { conversation, seq, .. } if *conversation == self.conversation => {
                self.read = self.read.max(*seq);
                Ok(())
            }
            Update::Message { conversation, client_id, state } if *conversation == self.conversation => match state {
                MessageState::Acknowledged(Sent { seq, .. }) => {
                    self.sending.remove(client_id);
                    self.mine = self.mine.max(*seq);
                    Ok(())
                }
                MessageState::Failed(error) => {
                    self.sending.remove(client_id);
                    self.alert(&format!("not sent: {}", error.message))
                }
                _ => Ok(()),
            },
            Update::Typing { conversation, user, typing } if *conversation == self.conversation => {
                let who = text::harmless(&self.names.of(*user).await);
                self.writing = typing.then(|| (who, Instant::now() + TYPING_FOR));
                Ok(())
            }
            Update::Kicked { reason } => Err(Problem::told(kicked(*reason))),
            Update::Connection(state) => {
                let was = std::mem::replace(&mut self.online, *state == ConnectionState::Online);
                match state {
                    ConnectionState::Offline { reason, .. } if was => self.aside(&format!("offline: {reason}")),
                    ConnectionState::Online if !was => self.aside("online"),
                    ConnectionState::SignedOut => Err(Problem::told(SIGNED_OUT)),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    async fn missed(&mut self) -> Result<(), Problem> {
        for (conversation, entry) in self.follow.missed(self.client).await? {
            self.new_entry(conversation, &entry).await?;
        }
        // States of messages may have been missed too.
        let outbox = self.client.outbox().await?;
        self.sending.retain(|id| outbox.iter().any(|message| message.client_id == *id && message.failed.is_none()));
        Ok(())
    }

    async fn entry(&mut self, conversation: ConversationId, entry: &Entry) -> Result<(), Problem> {
        if self.follow.fresh(conversation, entry) { self.new_entry(conversation, entry).await } else { Ok(()) }
    }

    async fn new_entry(&mut self, conversation: ConversationId, entry: &Entry) -> Result<(), Problem> {
        if conversation == self.conversation {
            return self.show(entry).await;
        }
        if entry.sender.0 == self.client.me().id.0 {
            return Ok(());
        }
        let place = text::harmless(&self.names.of_conversation(conversation).await);
        let line = match told(&mut self.names, entry, self.clock).await {
            Told::Said { who, text } if who == place => format!("{who} writes: {}", text::preview(&text, PREVIEW)),
            Told::Said { who, text } => format!("{who} writes to {place}: {}", text::preview(&text, PREVIEW)),
            Told::News(sentence) => format!("{place}: {}", text::preview(&sentence, PREVIEW)),
        };
        self.aside(&format!("({line})"))
    }

    /// Shows an entry of this conversation, and so has read it.
    async fn show(&mut self, entry: &Entry) -> Result<(), Problem> {
        self.oldest = self.oldest.min(entry.seq);
        let mine = entry.sender.0 == self.client.me().id.0;
        if mine {
            self.mine = self.mine.max(entry.seq);
        } else {
            self.client.read(self.conversation, entry.seq).await?;
        }
        if mine && self.echoed.remove(&entry.client_id.0) {
            return Ok(());
        }
        self.message(entry).await
    }

    async fn older(&mut self, many: usize) -> Result<(), Problem> {
        let page = if self.oldest == u64::MAX { Page::Newest } else { Page::Before(self.oldest) };
        let page = match self.client.messages(self.conversation, page, many).await {
            Ok(page) => page,
            Err(error) => return self.alert(&format!("older messages cannot be had: {error}")),
        };
        let Some(first) = page.entries.first() else { return self.aside("that is the beginning") };
        self.oldest = first.seq;
        self.aside("──── earlier ────")?;
        let day = self.day.take();
        for entry in &page.entries {
            self.message(entry).await?;
        }
        self.day = day;
        self.aside(if page.more {
            "──── (there is more) ────"
        } else {
            "──── (from the beginning) ────"
        })
    }

    /// A divider where a new day begins.
    fn day(&mut self, millis: u64) -> Result<(), Problem> {
        let day = self.clock.day(millis);
        if self.day.replace(day) == Some(day) {
            return Ok(());
        }
        self.aside(&format!("──── {} ────", day_name(day)))
    }

    /// An entry, in its place.
    async fn message(&mut self, entry: &Entry) -> Result<(), Problem> {
        self.day(entry.sent_at)?;
        let mine = entry.sender.0 == self.client.me().id.0;
        let told = told(&mut self.names, entry, self.clock).await;
        self.print(entry.sent_at, mine, told)
    }

    fn print(&mut self, millis: u64, mine: bool, told: Told) -> Result<(), Problem> {
        let time = self.screen.styled(Style::Aside, &self.clock.time(millis));
        let line = match told {
            Told::Said { who, text } => {
                let who = self.screen.styled(if mine { Style::Mine } else { Style::Theirs }, &who);
                format!("{who}: {text}")
            }
            Told::News(sentence) => self.screen.styled(Style::Aside, &sentence),
        };
        self.screen.print(&format!("{time}  {line}"))
    }

    /// Something beside the messages; not for programs.
    fn aside(&mut self, text: &str) -> Result<(), Problem> {
        if !self.screen.is_terminal() {
            return Ok(());
        }
        let text = self.screen.styled(Style::Aside, text);
        self.screen.print(&text)
    }

    fn alert(&mut self, text: &str) -> Result<(), Problem> {
        let text = self.screen.styled(Style::Alert, text);
        self.screen.print(&text)
    }

    /// Says before the line who writes, and how far my last message is.
    fn prompt(&mut self) -> Result<(), Problem> {
        let state = if !self.sending.is_empty() {
            format!("{} on the way ", self.sending.len())
        } else if self.mine > 0 && self.read >= self.mine {
            "✓✓ ".into()
        } else if self.mine > 0 {
            "✓ ".into()
        } else {
            String::new()
        };
        let link = if self.online { "" } else { "offline " };
        let writes = self.writing.as_ref().map_or(String::new(), |(who, _)| format!("{who} is writing … "));
        let text = format!("{link}{writes}{state}{}> ", self.other);
        self.screen.prompt(&text)
    }
}
