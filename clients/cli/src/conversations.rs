//! `conversations`: with whom, and what is unread.

use serde_json::json;
use tidings_client::{Client, Page};

use crate::args::{Conversations, Place};
use crate::news::{Told, told};
use crate::people::Names;
use crate::problem::Problem;
use crate::profile::{Profile, leave, online_if_possible};
use crate::say;
use crate::text::{self, Clock};

/// Characters of the last message that are shown.
const PREVIEW: usize = 50;

/// Lists conversations, the newest first.
pub(crate) async fn run(place: &Place, asked: &Conversations, clock: Clock) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = print(&client, asked, clock).await;
    leave(&client).await;
    result
}

async fn print(client: &Client, asked: &Conversations, clock: Clock) -> Result<(), Problem> {
    online_if_possible(client).await?;
    let mut names = Names::new(client);
    let mut all = Vec::new();
    for conversation in client.conversations().await? {
        let newest = client.messages(conversation.id, Page::Newest, 1).await.ok();
        all.push((conversation, newest.and_then(|page| page.entries.into_iter().next_back())));
    }
    all.sort_by_key(|(_, last)| std::cmp::Reverse(last.as_ref().map_or(0, |entry| entry.sent_at)));
    for (conversation, last) in &all {
        let name = names.of_conversation(conversation.id).await;
        if asked.json {
            say::json(&json!({
                "conversation": conversation.id.to_string(),
                "name": name,
                "last_seq": conversation.last,
                "read_seq": conversation.read_seq,
                "unread": conversation.unread,
                "left": conversation.left,
            }));
            continue;
        }
        let unread = if conversation.unread > 0 { format!("{:>4} new", conversation.unread) } else { " ".repeat(8) };
        let preview = match last {
            Some(entry) => {
                // Of a person it is clear who speaks.
                let told = match told(&mut names, entry, clock).await {
                    Told::Said { text, .. } if conversation.id.peer(client.me().id.0).is_some() => text,
                    told => told.line(),
                };
                format!("{}  {}", clock.short(entry.sent_at), text::preview(&told, PREVIEW))
            }
            None => String::new(),
        };
        let name = if conversation.left { format!("{name} (left)") } else { name };
        say::line(format_args!("{:<20} {unread}  {preview}", text::harmless(&name)));
    }
    if all.is_empty() && !asked.json {
        say::note("no conversations yet; `tidings chat NAME` begins one");
    }
    Ok(())
}
