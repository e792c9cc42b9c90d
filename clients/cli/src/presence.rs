//! `presence`: who is online.

use std::time::Duration;

use tidings_client::Client;
use tidings_client::actions::PresenceQuery;

use crate::args::{Place, Presence};
use crate::people::find;
use crate::problem::Problem;
use crate::profile::{Profile, leave, online};
use crate::say;
use crate::text::Clock;

/// How long a connection may take.
const ONLINE_WITHIN: Duration = Duration::from_secs(10);

/// Says of each person whether they are online.
pub(crate) async fn run(place: &Place, asked: &Presence, clock: Clock) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = print(&client, asked, clock).await;
    leave(&client).await;
    result
}

async fn print(client: &Client, asked: &Presence, clock: Clock) -> Result<(), Problem> {
    online(client, ONLINE_WITHIN).await?;
    let mut users = Vec::new();
    for name in &asked.people {
        users.push(find(client, name).await?.into());
    }
    let presence = client.presence_query(PresenceQuery { users }).await?.presence;
    for (name, person) in asked.people.iter().zip(&presence) {
        if asked.json {
            say::json(person);
            continue;
        }
        match (person.online, person.last_seen) {
            (true, _) => say::line(format_args!("{name:<20} online")),
            (false, Some(at)) => say::line(format_args!("{name:<20} last seen {}", clock.short(at))),
            (false, None) => say::line(format_args!("{name:<20} offline")),
        }
    }
    Ok(())
}
