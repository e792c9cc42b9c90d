//! Who is meant, or which group; and who there is.

use std::collections::HashMap;
use std::time::Duration;

use tidings_client::actions::{ListedGroup, UserSearch};
use tidings_client::{CallError, Client, ConnectionState, ConversationId, ErrorCode, GroupId, UserId};
use tidings_domain::identity::{Username, UsernamePrefix};
use tidings_domain::limits::SEARCH_PAGE_MAX;
use tokio::time::timeout;

use crate::args::{Place, Search};
use crate::problem::Problem;
use crate::profile::{ONLINE_WITHIN, Profile, leave, online};
use crate::say;

/// The person that was named: by id, or by user name. Connects if this device has not met them.
pub(crate) async fn find(client: &Client, peer: &str) -> Result<UserId, Problem> {
    look_up(client, peer).await?.ok_or_else(|| nobody(peer))
}

/// Everybody who was named.
pub(crate) async fn all(client: &Client, names: &[String]) -> Result<Vec<UserId>, Problem> {
    let mut users = Vec::new();
    for name in names {
        users.push(find(client, name).await?);
    }
    Ok(users)
}

/// The conversation that was named: by its id, by a person, or by a group. People come first; a group that is called
/// like somebody has its id.
pub(crate) async fn conversation(client: &Client, name: &str) -> Result<ConversationId, Problem> {
    if let Ok(conversation) = name.parse::<ConversationId>() {
        return Ok(conversation);
    }
    if let Ok(group) = name.parse::<GroupId>() {
        return Ok(ConversationId::Group(group));
    }
    if let Some(user) = look_up(client, name).await? {
        return Ok(client.direct(user));
    }
    group(client, name).await?.map(ConversationId::Group).ok_or_else(|| nobody(name))
}

/// The group that was named, among those that I am or was in: by id, or by the beginning of its name or of my remark.
pub(crate) async fn group(client: &Client, name: &str) -> Result<Option<GroupId>, Problem> {
    if let Ok(group) = name.parse::<GroupId>() {
        return Ok(Some(group));
    }
    online(client, ONLINE_WITHIN).await?;
    match pick(&client.groups().list().await?, name)[..] {
        [] => Ok(None),
        [group] => Ok(Some(group.group.0)),
        _ => Err(Problem::told(format!(
            "several of your groups begin with `{name}`; `tidings group list` has their ids"
        ))),
    }
}

/// Those that are called so, or else those whose name begins so.
fn pick<'a>(groups: &'a [ListedGroup], name: &str) -> Vec<&'a ListedGroup> {
    let wanted = name.to_lowercase();
    let named = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a ListedGroup> {
        let is_it = |group: &&ListedGroup| {
            let card = group.card.as_ref().map(|card| card.name.as_str());
            let remark = group.remark.as_ref().map(|remark| remark.as_str());
            [card, remark].into_iter().flatten().any(|name| fits(&name.to_lowercase()))
        };
        groups.iter().filter(is_it).collect()
    };
    let exact = named(&|name| name == wanted);
    if exact.is_empty() { named(&|name| name.starts_with(&wanted)) } else { exact }
}

fn nobody(name: &str) -> Problem {
    Problem::told(format!("there is nobody called `{name}`, and no group of yours"))
}

async fn look_up(client: &Client, peer: &str) -> Result<Option<UserId>, Problem> {
    if let Ok(id) = peer.parse::<UserId>() {
        return Ok(Some(id));
    }
    let Ok(username) = peer.parse::<Username>() else { return Ok(None) };
    if username == *client.me().username {
        return Ok(Some(client.me().id.0));
    }
    if let Ok(Ok(card)) = timeout(Duration::from_millis(50), client.user_named(username.clone())).await {
        return Ok(Some(card.id.0));
    }
    online(client, ONLINE_WITHIN).await?;
    match client.user_named(username).await {
        Ok(card) => Ok(Some(card.id.0)),
        Err(CallError::Refused(error)) if error.code == ErrorCode::NotFound => Ok(None),
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
    online(client, ONLINE_WITHIN).await?;
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

/// Names of people and groups, looked up once each.
pub(crate) struct Names<'a> {
    client: &'a Client,
    known: HashMap<UserId, String>,
    groups: HashMap<GroupId, String>,
}

impl<'a> Names<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        let me = client.me();
        let known = HashMap::from([(me.id.0, me.display_name.to_string())]);
        Self { client, known, groups: HashMap::new() }
    }

    /// Whether this is me.
    pub(crate) fn is_me(&self, user: UserId) -> bool {
        user == self.client.me().id.0
    }

    /// How long a name may take: what this device has is there at once, for the rest it asks.
    fn within(&self) -> Duration {
        match self.client.connection().state() {
            ConnectionState::Online | ConnectionState::Syncing => Duration::from_secs(2),
            _ => Duration::from_millis(100),
        }
    }

    /// What a person is called; their id if that cannot be found out now.
    pub(crate) async fn of(&mut self, user: UserId) -> String {
        if let Some(name) = self.known.get(&user) {
            return name.clone();
        }
        match timeout(self.within(), self.client.user(user)).await {
            Ok(Ok(card)) => {
                let name = card.display_name.to_string();
                self.known.insert(user, name.clone());
                name
            }
            _ => user.to_string(),
        }
    }

    /// What a group is called: as I call it, or else as it calls itself; its id if that cannot be found out now.
    pub(crate) async fn of_group(&mut self, group: GroupId) -> String {
        // One list has all of mine; another group that I hear of is looked up by itself.
        if self.groups.is_empty()
            && let Ok(Ok(mine)) = timeout(self.within(), self.client.groups().list()).await
        {
            let name = |listed: ListedGroup| {
                let remark = listed.remark.map(|remark| remark.to_string());
                Some((listed.group.0, remark.or_else(|| listed.card.map(|card| card.name.to_string()))?))
            };
            self.groups.extend(mine.into_iter().filter_map(name));
        }
        if let Some(name) = self.groups.get(&group) {
            return name.clone();
        }
        match timeout(self.within(), self.client.groups().info(group)).await {
            Ok(Ok(info)) => {
                let name = info.card.name.to_string();
                self.groups.insert(group, name.clone());
                name
            }
            _ => group.to_string(),
        }
    }

    /// What a conversation is called.
    pub(crate) async fn of_conversation(&mut self, conversation: ConversationId) -> String {
        let me = self.client.me().id.0;
        match (conversation, conversation.peer(me)) {
            (_, Some(peer)) if peer == me => "notes".into(),
            (_, Some(peer)) => self.of(peer).await,
            (ConversationId::Group(group), None) => self.of_group(group).await,
            (ConversationId::Notices(_), None) => "notices".into(),
            (ConversationId::Direct(_), None) => conversation.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tidings_client::groups::GroupCard;
    use tidings_domain::group::Joining;

    use super::*;

    fn listed(id: u128, name: &str, remark: Option<&str>) -> ListedGroup {
        let id = GroupId::from_bits(id);
        let card = GroupCard {
            id: id.into(),
            name: name.parse::<tidings_domain::group::GroupName>().unwrap().into(),
            description: tidings_domain::group::Description::default().into(),
            members: 2,
            joining: Joining::Open.into(),
        };
        let remark = remark.map(|remark| remark.parse::<tidings_domain::identity::DisplayName>().unwrap().into());
        ListedGroup { group: id.into(), card: Some(card), member: true, remark }
    }

    #[test]
    fn a_group_is_named_by_its_beginning_unless_one_is_called_so() {
        let groups = [
            listed(1, "Book club", None),
            listed(2, "Books", None),
            listed(3, "Chess", Some("Bo")),
            listed(4, "Élan", None),
        ];
        let picked = |name: &str| pick(&groups, name).iter().map(|group| group.group.bits()).collect::<Vec<_>>();
        assert_eq!(picked("book"), [1, 2]);
        assert_eq!(picked("BOOKS"), [2]);
        assert_eq!(picked("bo"), [3]);
        assert_eq!(picked("ch"), [3]);
        assert_eq!(picked("é"), [4]);
        assert_eq!(picked("x"), [0; 0]);
    }
}
