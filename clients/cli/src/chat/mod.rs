//! `chat`: a conversation with somebody, or in a group.

mod screen;
mod talk;

use std::process::ExitCode;
use std::time::Duration;

use tidings_client::Client;

use self::screen::Screen;
use self::talk::Talk;
use crate::args::{Chat, Place};
use crate::people::{self, Names};
use crate::problem::Problem;
use crate::profile::{Offline, Profile, online};
use crate::say;
use crate::text::Clock;

/// How long the first connection may take before the chat begins without it.
const BEGIN_WITHIN: Duration = Duration::from_secs(3);

/// How long what was written last may take to be acknowledged at the end.
const END_WITHIN: Duration = Duration::from_secs(30);

/// Talks to somebody until the input ends or `/quit`.
pub(crate) async fn run(place: &Place, chat: &Chat, clock: Clock) -> Result<ExitCode, Problem> {
    let mut profile = Profile::open(place)?;
    profile.options.update_buffer = 16 * 1024;
    let client = profile.client(place).await?;
    let result = talk(&client, chat, clock, place.no_color.is_none()).await;
    client.close().await;
    result
}

async fn talk(client: &Client, chat: &Chat, clock: Clock, colour: bool) -> Result<ExitCode, Problem> {
    let conversation = people::conversation(client, &chat.peer).await?;
    match online(client, BEGIN_WITHIN).await {
        Ok(()) => {}
        Err(Offline::SignedOut) => return Err(Offline::SignedOut.into()),
        Err(Offline::Unreachable(reason)) => {
            say::note(format_args!("offline ({reason}); what you write is sent as soon as possible"));
        }
    }
    let mut names = Names::new(client);
    let other = names.of_conversation(conversation).await;
    let screen = Screen::open(colour)?;
    let ended = Talk::new(client, conversation, &other, screen, clock).run().await?;
    if !ended {
        // Ctrl-C: at once. What is not acknowledged is in the outbox.
        return Ok(ExitCode::SUCCESS);
    }
    match tokio::time::timeout(END_WITHIN, client.idle()).await {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(_) => Err(Problem::Queued(String::new())),
    }
}
