//! `presence` and `typing`: who is online, and that one writes.

use std::collections::HashMap;
use std::time::Duration;

use tidings_client::actions::{PersonPresence, PresenceQuery, PresenceWatch};
use tidings_client::{Client, ConnectionState, Next, Text, Update, UserId};
use tokio::time::{Instant, sleep, sleep_until};

use crate::args::{Place, Presence, Typing};
use crate::people::{conversation, find};
use crate::problem::{Problem, SIGNED_OUT, kicked};
use crate::profile::{ONLINE_WITHIN, Profile, leave, online};
use crate::say;
use crate::text::Clock;

/// How long people are watched at once; renewed after half of it. Each renewal costs a write and a read for each.
const WATCH_S: u64 = 600;

/// Says of each person whether they are online, and goes on saying it if asked.
pub(crate) async fn run(place: &Place, asked: &Presence, clock: Clock) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = tokio::select! {
        result = tell(&client, asked, clock) => result,
        interrupted = tokio::signal::ctrl_c() => interrupted.map_err(Problem::from),
    };
    leave(&client).await;
    result
}

async fn tell(client: &Client, asked: &Presence, clock: Clock) -> Result<(), Problem> {
    let mut updates = client.updates();
    online(client, ONLINE_WITHIN).await?;
    let mut users: Vec<Text<UserId>> = Vec::new();
    for name in &asked.people {
        users.push(find(client, name).await?.into());
    }
    if !asked.watch {
        let presence = client.presence_query(PresenceQuery { users }).await?.presence;
        presence.iter().zip(&asked.people).for_each(|(person, name)| print(asked, name, person, clock));
        return Ok(());
    }
    let names: HashMap<UserId, &String> = users.iter().map(|user| user.0).zip(&asked.people).collect();
    let mut watched = Watched { told: HashMap::new(), left: asked.count.unwrap_or(u64::MAX) };
    let mut renew_at = Instant::now();
    while watched.left > 0 {
        tokio::select! {
            () = sleep_until(renew_at) => {
                renew_at = Instant::now() + Duration::from_secs(WATCH_S / 2);
                // Offline, it is asked for again with the next connection.
                let request = PresenceWatch { users: users.clone(), seconds: Some(WATCH_S) };
                for person in client.presence_watch(request).await.map(|reply| reply.presence).unwrap_or_default() {
                    if let Some(name) = names.get(&person.user.0) && watched.is_news(&person) {
                        print(asked, name, &person, clock);
                    }
                }
            }
            next = updates.next() => match next {
                None => return Ok(()),
                Some(Next::Missed(_)) => renew_at = Instant::now(),
                Some(Next::Update(update)) => match &*update {
                    Update::Presence { user, online, last_seen } => {
                        let person = PersonPresence { user: (*user).into(), online: *online, last_seen: *last_seen };
                        if let Some(name) = names.get(user) && watched.is_news(&person) {
                            print(asked, name, &person, clock);
                        }
                    }
                    // A new connection of a device watches nobody.
                    Update::Connection(ConnectionState::Online) => renew_at = Instant::now(),
                    Update::Connection(ConnectionState::SignedOut) => return Err(Problem::told(SIGNED_OUT)),
                    Update::Kicked { reason } => return Err(Problem::told(kicked(*reason))),
                    _ => {}
                },
            },
        }
    }
    Ok(())
}

/// What was told of people who are watched.
struct Watched {
    told: HashMap<UserId, (bool, Option<u64>)>,
    /// How much more is to be told.
    left: u64,
}

impl Watched {
    /// Whether that is to be told: each renewal says again what is so.
    fn is_news(&mut self, person: &PersonPresence) -> bool {
        let is = (person.online, person.last_seen);
        let news = self.left > 0 && self.told.insert(person.user.0, is) != Some(is);
        self.left -= u64::from(news);
        news
    }
}

fn print(asked: &Presence, name: &str, person: &PersonPresence, clock: Clock) {
    if asked.json {
        return say::json(person);
    }
    match (person.online, person.last_seen) {
        (true, _) => say::line(format_args!("{name:<20} online")),
        (false, Some(at)) => say::line(format_args!("{name:<20} last seen {}", clock.short(at))),
        (false, None) => say::line(format_args!("{name:<20} offline")),
    }
}

/// Tells the others that one writes, for a time.
pub(crate) async fn typing(place: &Place, asked: &Typing) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = write(&client, asked).await;
    leave(&client).await;
    result
}

async fn write(client: &Client, asked: &Typing) -> Result<(), Problem> {
    online(client, ONLINE_WITHIN).await?;
    let conversation = conversation(client, &asked.peer).await?;
    let end = Instant::now() + Duration::from_secs(asked.seconds);
    while Instant::now() < end {
        client.typing(conversation, true).await;
        // The client holds back what would come too often.
        sleep(Duration::from_secs(1)).await;
    }
    client.typing(conversation, false).await;
    Ok(())
}
