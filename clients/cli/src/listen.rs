//! `listen`: what comes, as it comes.

use std::collections::HashMap;

use serde::Serialize;
use tidings_client::{Client, ConnectionState, ConversationId, Entry, Next, TYPING_FOR, Update};

use tokio::time::Instant;

use crate::args::{Listen, Place};
use crate::follow::Follow;
use crate::news::{Told, told};
use crate::people::Names;
use crate::problem::{Problem, SIGNED_OUT, kicked};
use crate::profile::{Profile, leave};
use crate::say;
use crate::text::{self, Clock};

/// A message for programs.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    conversation: String,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl<'a> Line<'a> {
    pub(crate) fn new(conversation: ConversationId, entry: &'a Entry) -> Self {
        Self { conversation: conversation.to_string(), entry }
    }
}

/// Prints the messages of all conversations until interrupted.
pub(crate) async fn run(place: &Place, listen: &Listen, clock: Clock) -> Result<(), Problem> {
    let mut profile = Profile::open(place)?;
    profile.options.update_buffer = 16 * 1024;
    let client = profile.client(place).await?;
    let result = tokio::select! {
        result = print(&client, listen, clock) => result,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Problem::from),
    };
    leave(&client).await;
    result
}

async fn print(client: &Client, listen: &Listen, clock: Clock) -> Result<(), Problem> {
    let mut updates = client.updates();
    let mut follow = Follow::from_here(client).await?;
    let mut names = Names::new(client);
    let mut writing = HashMap::new();
    let mut left = listen.count.unwrap_or(u64::MAX);
    client.connect().await;
    while left > 0 {
        let Some(next) = updates.next().await else { return Ok(()) };
        let entries = match next {
            Next::Missed(_) => follow.missed(client).await?,
            Next::Update(update) => match &*update {
                Update::Entry { conversation, entry } if follow.fresh(*conversation, entry) => {
                    vec![(*conversation, entry.clone())]
                }
                Update::Typing { conversation, user, typing: true } => {
                    let now = Instant::now();
                    let before = writing.insert((*conversation, *user), now);
                    // It comes again and again while they do.
                    if before.is_none_or(|before| now - before > TYPING_FOR) {
                        let who = names.of(*user).await;
                        let place = names.of_conversation(*conversation).await;
                        let place = if place == who { String::new() } else { format!(" to {place}") };
                        say::note(text::harmless(&format!("{who} is writing{place}")));
                    }
                    continue;
                }
                Update::Kicked { reason } => return Err(Problem::told(kicked(*reason))),
                Update::Connection(ConnectionState::SignedOut) => return Err(Problem::told(SIGNED_OUT)),
                Update::Connection(ConnectionState::Online) => {
                    say::note("listening; Ctrl-C ends");
                    continue;
                }
                Update::Connection(ConnectionState::Offline { reason, .. }) => {
                    say::note(format_args!("offline ({reason}); trying again"));
                    continue;
                }
                _ => continue,
            },
        };
        for (conversation, entry) in entries.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
            left -= 1;
            if listen.json {
                say::json(&Line::new(*conversation, entry));
            } else {
                let place = text::harmless(&names.of_conversation(*conversation).await);
                let line = match told(&mut names, entry, clock).await {
                    Told::Said { who, text } if place == who => format!("{who}: {text}"),
                    Told::Said { who, text } => format!("{who} to {place}: {text}"),
                    Told::News(sentence) => format!("{place}: {sentence}"),
                };
                say::line(format_args!("{} {line}", clock.time(entry.sent_at)));
            }
        }
    }
    Ok(())
}
