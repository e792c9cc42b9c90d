//! Who is meant, and who there is.

use std::collections::HashMap;
use std::time::Duration;

use tidings_client::actions::UserSearch;
use tidings_client::{CallError, Client, ConversationId, ErrorCode, UserId};
use tidings_domain::identity::{Username, UsernamePrefix};
use tidings_domain::limits::SEARCH_PAGE_MAX;
use tokio::time::timeout;

use crate::args::{Place, Search};
use crate::problem::Problem;
use crate::profile::{Profile, leave, online};
use crate::say;

/// How long a name is looked up.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(10);

/// The person that was named: by id, or by user name. Connects if this device has not met them.
pub(crate) async fn find(client: &Client, peer: &str) -> Result<UserId, Problem> {
    if let Ok(id) = peer.parse::<UserId>() {
        return Ok(id);
    }
    let username: Username =
        peer.parse().map_err(|_| Problem::told(format!("`{peer}` is neither a user name nor a user id")))?;
    if username == *client.me().username {
        return Ok(client.me().id.0);
    }
    if let Ok(Ok(card)) = timeout(Duration::from_millis(50), client.user_named(username.clone())).await {
        return Ok(card.id.0);
    }
    online(client, LOOK_UP_WITHIN).await?;
    match client.user_named(username).await {
        Ok(card) => Ok(card.id.0),
        Err(CallError::Refused(error)) if error.code == ErrorCode::NotFound => {
            Err(Problem::told(format!("there is nobody called `{peer}`")))
        }
        Err(error) => Err(error.into()),
    }
}

/// Lists people whose user names begin so.
pub(crate) async fn search(place: &Place, asked: &Search) -> Result<(), Problem> {
    let prefix: UsernamePrefix = asked.prefix.parse()?;
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = list(&client, prefix, asked).await;
    leave(&client).await;
    result
}

async fn list(client: &Client, prefix: UsernamePrefix, asked: &Search) -> Result<(), Problem> {
    online(client, LOOK_UP_WITHIN).await?;
    let (mut left, mut cursor) = (asked.limit, None);
    while left > 0 {
        let limit = Some(left.min(SEARCH_PAGE_MAX));
        let page = client.user_search(UserSearch { prefix: prefix.clone().into(), limit, cursor }).await?;
        for user in &page.users {
            if asked.json {
                say::json(user);
            } else {
                say::line(format_args!("{:<32}  {}  ({})", user.username, user.display_name, user.id));
            }
        }
        left = left.saturating_sub(page.users.len());
        cursor = page.cursor;
        if !page.more {
            break;
        }
    }
    Ok(())
}

/// Names of people, looked up once each.
pub(crate) struct Names<'a> {
    client: &'a Client,
    known: HashMap<UserId, String>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        let me = client.me();
        Self { client, known: HashMap::from([(me.id.0, me.display_name.to_string())]) }
    }

    /// What a person is called; their id if that cannot be found out now.
    pub(crate) async fn of(&mut self, user: UserId) -> String {
        if let Some(name) = self.known.get(&user) {
            return name.clone();
        }
        match timeout(Duration::from_secs(2), self.client.user(user)).await {
            Ok(Ok(card)) => {
                let name = card.display_name.to_string();
                self.known.insert(user, name.clone());
                name
            }
            _ => user.to_string(),
        }
    }

    /// What a conversation is called.
    pub(crate) async fn of_conversation(&mut self, conversation: ConversationId) -> String {
        let me = self.client.me().id.0;
        match conversation.peer(me) {
            Some(peer) if peer == me => "notes".into(),
            Some(peer) => self.of(peer).await,
            None => conversation.to_string(),
        }
    }
}
