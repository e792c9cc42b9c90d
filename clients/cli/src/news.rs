//! What system entries tell, in words.

use tidings_client::groups::{GroupEdit, SettingsEdit};
use tidings_client::{Body, Entry, News, UserId};
use tidings_domain::group::Role;

use crate::people::Names;
use crate::text::{self, Clock, harmless};

/// What is told of news that a later version of the protocol brought.
const UNKNOWN: &str = "(something that this version cannot show)";

/// An entry in words.
pub(crate) enum Told {
    /// Somebody said something.
    Said {
        /// Who.
        who: String,
        /// What.
        text: String,
    },
    /// Something happened: a whole sentence.
    News(String),
}

impl Told {
    /// On one line.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Said { who, text } => format!("{who}: {text}"),
            Self::News(sentence) => sentence,
        }
    }
}

/// What an entry tells, harmless on a terminal.
pub(crate) async fn told(names: &mut Names<'_>, entry: &Entry, clock: Clock) -> Told {
    if let Body::News(news) = &entry.body {
        let sentence = Teller { names, clock, sender: entry.sender.0 }.tell(news).await;
        return Told::News(harmless(&sentence));
    }
    Told::Said { who: harmless(&names.of(entry.sender.0).await), text: text::of(entry) }
}

struct Teller<'a, 'c> {
    names: &'a mut Names<'c>,
    clock: Clock,
    sender: UserId,
}

impl Teller<'_, '_> {
    async fn tell(&mut self, news: &News) -> String {
        let actor = self.names.of(self.sender).await;
        match news {
            News::GroupCreated { name, members } => {
                let others = members.iter().map(|member| member.0).filter(|member| *member != self.sender);
                let others = self.all(others.collect()).await;
                let with = if others.is_empty() { String::new() } else { format!(" with {others}") };
                format!("{actor} founded “{name}”{with}")
            }
            News::MemberJoined { user, by } => self.joined(&actor, user.0, by.map(|by| by.0)).await,
            News::MemberLeft { user } => format!("{} left", self.names.of(user.0).await),
            News::MemberRemoved { user } => format!("{actor} removed {}", self.names.of(user.0).await),
            News::RoleChanged { user, role } => {
                let whom = self.names.of(user.0).await;
                match role.0 {
                    Role::Admin => format!("{actor} made {whom} an admin"),
                    Role::Member => format!("{actor} made {whom} a member again"),
                    Role::Owner => format!("{actor} made {whom} the owner"),
                }
            }
            News::OwnerChanged { user } => format!("{actor} handed the group over to {}", self.names.of(user.0).await),
            News::MemberMuted { user, until } => {
                let whom = self.names.of(user.0).await;
                match until {
                    Some(until) => format!("{actor} muted {whom} until {}", self.clock.short(*until)),
                    None => format!("{actor} lets {whom} write again"),
                }
            }
            News::AllMuted { muted: true } => format!("{actor} muted everybody but admins"),
            News::AllMuted { muted: false } => format!("{actor} lets everybody write again"),
            News::GroupUpdated(edit) => format!("{actor} {}", changed(edit)),
            News::Announced { text: Some(text) } => format!("{actor} announced: {text}"),
            News::Announced { text: None } => format!("{actor} took the announcement away"),
            News::NicknameChanged { user, nickname } => {
                let who = self.names.of(user.0).await;
                match nickname {
                    Some(nickname) => format!("{who} is called {nickname} here"),
                    None => format!("{who} has no nickname here any more"),
                }
            }
            News::LinkMade { expires_at } => {
                format!("{actor} made a link that lets people in until {}", self.clock.short(*expires_at))
            }
            News::LinkRevoked => format!("{actor} took a link back"),
            News::GroupDissolved => format!("{actor} dissolved the group"),
            notice => self.notice(&actor, notice).await,
        }
    }

    /// What one is told in one's notices.
    async fn notice(&mut self, actor: &str, news: &News) -> String {
        match news {
            News::GroupInvitation { name, .. } if self.names.is_me(self.sender) => {
                format!("you sent an invitation to “{name}”")
            }
            News::GroupInvitation { group, name, greeting } => format!(
                "{actor} invites you to “{name}”{} (`tidings group join {group}`)",
                quoted(greeting.as_ref().map(|greeting| greeting.as_str()))
            ),
            News::GroupRequest { group, user, greeting } => {
                let (who, what) = (self.names.of(user.0).await, self.names.of_group(group.0).await);
                let asks = if self.names.is_me(user.0) { "you asked".to_owned() } else { format!("{who} asks") };
                format!("{asks} to join {what}{}", quoted(greeting.as_ref().map(|greeting| greeting.as_str())))
            }
            News::GroupAnswer { group, user, accepted } => {
                let (who, what) = (self.names.of(user.0).await, self.names.of_group(group.0).await);
                format!("{actor} {} {who} to {what}", if *accepted { "admitted" } else { "did not admit" })
            }
            News::GroupRemark { remark: Some(remark), .. } => format!("you call a group “{remark}”"),
            News::GroupRemark { remark: None, group } => {
                format!("you have no name of your own for {} any more", self.names.of_group(group.0).await)
            }
            News::ContactRequested { user, greeting } => {
                let greeting = quoted(greeting.as_ref().map(|greeting| greeting.as_str()));
                if self.names.is_me(user.0) {
                    format!("{actor} asks to be your contact{greeting} (`tidings contacts list` names whom to accept)")
                } else {
                    format!("you asked {} to be your contact{greeting}", self.names.of(user.0).await)
                }
            }
            News::ContactAnswered { user, accepted } => {
                let who = if self.names.is_me(user.0) { actor.to_owned() } else { self.names.of(user.0).await };
                match (*accepted, self.names.is_me(user.0)) {
                    (true, _) => format!("{who} and you are contacts"),
                    (false, true) => format!("{who} does not want to be your contact"),
                    (false, false) => format!("you do not want to be a contact of {who}"),
                }
            }
            News::ContactRemoved { user } if self.names.is_me(user.0) => format!("{actor} is your contact no more"),
            News::ContactRemoved { user } => format!("{} is your contact no more", self.names.of(user.0).await),
            News::ContactChanged { user, .. } => {
                format!("you have changed what you call {} or keep them under", self.names.of(user.0).await)
            }
            News::ContactBlocked { user } => format!("you blocked {}", self.names.of(user.0).await),
            News::ContactUnblocked { user } => format!("you no longer block {}", self.names.of(user.0).await),
            News::ProfileChanged { user, .. } => {
                format!("you changed your profile: {} ({})", user.username.0, user.display_name.0)
            }
            _ => UNKNOWN.into(),
        }
    }

    async fn joined(&mut self, actor: &str, user: UserId, by: Option<UserId>) -> String {
        let who = self.names.of(user).await;
        match by {
            Some(by) if by == self.sender && user != by => format!("{actor} let {who} in"),
            Some(by) => format!("{who} joined, invited by {}", self.names.of(by).await),
            None => format!("{who} joined"),
        }
    }

    /// `Ann, Bob and Cat`.
    async fn all(&mut self, users: Vec<UserId>) -> String {
        let mut names = Vec::new();
        for user in users {
            names.push(self.names.of(user).await);
        }
        match names.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} and {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

/// What an editor changed.
fn changed(edit: &GroupEdit) -> String {
    let mut parts = Vec::new();
    if let Some(name) = &edit.name {
        parts.push(format!("called the group “{name}”"));
    }
    if edit.description.is_some() {
        parts.push("changed what it is about".to_owned());
    }
    if edit.settings != SettingsEdit::default() {
        parts.push("changed how it is run".to_owned());
    }
    parts.join(" and ")
}

fn quoted(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).map(|text| format!(": {text}")).unwrap_or_default()
}
