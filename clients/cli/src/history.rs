//! `history`: what was said.

use tidings_client::{Client, Entry, Page};

use crate::args::{History, Place};
use crate::listen::Line;
use crate::news::told;
use crate::people::{self, Names};
use crate::problem::Problem;
use crate::profile::{Profile, leave, online_if_possible};
use crate::say;
use crate::text::Clock;

/// Prints the newest messages of a conversation, or those before one.
pub(crate) async fn run(place: &Place, history: &History, clock: Clock) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = print(&client, history, clock).await;
    leave(&client).await;
    result
}

async fn print(client: &Client, history: &History, clock: Clock) -> Result<(), Problem> {
    online_if_possible(client).await?;
    let conversation = people::conversation(client, &history.peer).await?;
    // Pages go backwards, so they are turned round at the end.
    let mut pages: Vec<Vec<Entry>> = Vec::new();
    let mut left = history.limit;
    let mut page = history.before.map_or(Page::Newest, Page::Before);
    while left > 0 {
        let got = client.messages(conversation, page, left).await?;
        let Some(first) = got.entries.first() else { break };
        page = Page::Before(first.seq);
        left = left.saturating_sub(got.entries.len());
        pages.push(got.entries);
        if !got.more {
            break;
        }
    }
    let mut names = Names::new(client);
    for entry in pages.iter().rev().flatten() {
        if history.json {
            say::json(&Line::new(conversation, entry));
        } else {
            let told = told(&mut names, entry, clock).await.line();
            say::line(format_args!("{} {told}", clock.short(entry.sent_at)));
        }
    }
    Ok(())
}
