//! `contacts`: whom one has.

use std::fmt::Display;
use std::str::FromStr;
use tidings_client::{Client, ContactInfo, ContactState};

use crate::args::{Contacts, Place};
use crate::people::{Names, find};
use crate::problem::Problem;
use crate::profile::{ONLINE_WITHIN, Profile, leave, online};
use crate::say;
use crate::text::harmless;

/// Does what is asked about contacts.
pub(crate) async fn run(place: &Place, asked: Contacts) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = act(&client, asked).await;
    leave(&client).await;
    result
}

async fn act(client: &Client, asked: Contacts) -> Result<(), Problem> {
    online(client, ONLINE_WITHIN).await?;
    match asked {
        Contacts::List(list) => print(client, &client.contacts(None).await?.contacts, list.json).await,
        Contacts::Blocked(list) => print(client, &client.blocked().await?, list.json).await,
        Contacts::Request { user, greeting } => {
            let greeting = greeting.as_deref().map(parsed).transpose()?;
            client.request_contact(find(client, &user).await?, greeting).await?;
        }
        Contacts::Accept { user } => drop(client.answer_contact(find(client, &user).await?, true).await?),
        Contacts::Decline { user } => drop(client.answer_contact(find(client, &user).await?, false).await?),
        Contacts::Remove { user } => drop(client.remove_contact(find(client, &user).await?).await?),
        Contacts::Remark { user, remark, tags } => {
            let remark = remark.as_deref().map(parsed).transpose()?;
            let tags = tags.iter().map(|tag| parsed(tag)).collect::<Result<_, _>>()?;
            client.remark_contact(find(client, &user).await?, remark, tags).await?;
        }
        Contacts::Block { user } => drop(client.block(find(client, &user).await?).await?),
        Contacts::Unblock { user } => drop(client.unblock(find(client, &user).await?).await?),
    }
    Ok(())
}

fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error| Problem::told(format!("`{text}`: {error}")))
}

async fn print(client: &Client, contacts: &[ContactInfo], json: bool) {
    let mut names = Names::new(client);
    for contact in contacts {
        if json {
            say::json(&serde_json::json!(contact));
            continue;
        }
        let name = match &contact.remark {
            Some(remark) => remark.to_string(),
            None => names.of(contact.user.0).await,
        };
        let mut says = Vec::new();
        says.extend(match contact.state {
            Some(ContactState::Asked) => Some("asked by you".to_owned()),
            Some(ContactState::Asking) => Some("asks you".to_owned()),
            Some(ContactState::Friends) | None => None,
        });
        says.extend(contact.greeting.as_ref().map(|greeting| harmless(greeting.as_str())));
        says.extend(contact.blocked.then(|| "blocked".to_owned()));
        says.extend(contact.tags.iter().map(|tag| format!("#{tag}")));
        say::line(format_args!("{:<20} {}", harmless(&name), says.join("  ")));
    }
    if contacts.is_empty() && !json {
        say::note("nobody yet; `tidings contacts request NAME` asks somebody");
    }
}
