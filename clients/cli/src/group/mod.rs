//! `group`: founding groups, joining them, running them.

pub(crate) mod args;
mod settings;
mod show;

use std::time::Duration;

use tidings_client::groups::{GroupEdit, JoinLink, Joined, NewGroup};
use tidings_client::{Body, Client, ConversationId, GroupId, News, Page, Text};

use self::args::{Group, Member, Role};
use crate::args::Place;
use crate::people::{self, Names, find};
use crate::problem::Problem;
use crate::profile::{ONLINE_WITHIN, Profile, leave, online};
use crate::say;
use crate::text::Clock;

/// How long a member is muted when nobody says.
const MUTED_FOR: Duration = Duration::from_mins(10);

/// The newest notices, among which an invitation is looked for.
const NOTICES: usize = 200;

/// Does to a group what was asked.
pub(crate) async fn run(place: &Place, group: Group, clock: Clock) -> Result<(), Problem> {
    let profile = Profile::open(place)?;
    let client = profile.client(place).await?;
    let result = act(&client, group, clock).await;
    leave(&client).await;
    result
}

async fn act(client: &Client, asked: Group, clock: Clock) -> Result<(), Problem> {
    online(client, ONLINE_WITHIN).await?;
    let groups = client.groups();
    match asked {
        Group::Create(create) => {
            let new = NewGroup {
                name: create.name.parse()?,
                description: create.description.as_deref().map(str::parse).transpose()?,
                members: people::all(client, &create.members).await?,
                settings: create.settings.edit(None),
            };
            say::line(groups.create(new).await?);
        }
        Group::Update(update) => return change(client, &update).await,
        Group::Join { group, greeting } => return join(client, &group, greeting.as_deref()).await,
        Group::Invite { group, users, greeting } => {
            let group = which(client, &group).await?;
            let greeting = greeting.as_deref().map(str::parse).transpose()?;
            for (name, user) in users.iter().zip(people::all(client, &users).await?) {
                groups.invite(group, user, greeting.clone()).await?;
                say::line(format_args!("invited {name}"));
            }
        }
        Group::Leave(named) => {
            groups.leave(which(client, &named.group).await?).await?;
            say::line("left");
        }
        Group::Link { group, time, uses } => say::line(groups.link(which(client, &group).await?, time, uses).await?),
        Group::Revoke { link } => {
            let link: JoinLink = link.parse().map_err(|error| Problem::told(format!("`{link}`: {error}")))?;
            groups.revoke(&link).await?;
            say::line("this link lets nobody in any more");
        }
        Group::Dissolve(named) => {
            groups.dissolve(which(client, &named.group).await?).await?;
            say::line("dissolved");
        }
        Group::Announce { group, text } => {
            let text = text.as_deref().map(str::parse).transpose()?;
            groups.announce(which(client, &group).await?, text).await?;
        }
        Group::Nickname { group, name } => {
            let name = name.as_deref().map(str::parse).transpose()?;
            groups.nickname(which(client, &group).await?, name).await?;
        }
        Group::Remark { group, name } => {
            let name = name.as_deref().map(str::parse).transpose()?;
            groups.remark(which(client, &group).await?, name).await?;
        }
        Group::Mute { group, user: None, .. } => {
            groups.mute_all(which(client, &group).await?, true).await?;
        }
        Group::Unmute { group, user: None } => {
            groups.mute_all(which(client, &group).await?, false).await?;
        }
        Group::Info { group, json } => {
            let group = which(client, &group).await?;
            show::info(&mut Names::new(client), &groups.info(group).await?, json, clock).await;
        }
        Group::Requests { group, json } => {
            let group = which(client, &group).await?;
            show::requests(&mut Names::new(client), group, &groups.requests(group).await?, json, clock).await;
        }
        Group::Members { group, user, called, json } => {
            let group = which(client, &group).await?;
            let members = match user {
                Some(user) => vec![groups.member(group, find(client, &user).await?).await?],
                None => groups.members_called(group, called.as_deref().map(str::parse).transpose()?).await?.members,
            };
            show::members(&mut Names::new(client), &members, json, clock).await;
        }
        Group::List { json } => show::list(&groups.list().await?, json),
        Group::Accept(member) => to_member(client, &member, Act::Answer(true)).await?,
        Group::Decline(member) => to_member(client, &member, Act::Answer(false)).await?,
        Group::Kick(member) => to_member(client, &member, Act::Kick).await?,
        Group::Role { member, role } => to_member(client, &member, Act::Role(role)).await?,
        Group::Transfer(member) => to_member(client, &member, Act::Transfer).await?,
        Group::Mute { group, user: Some(user), time } => {
            to_member(client, &Member { group, user }, Act::Mute(Some(time.unwrap_or(MUTED_FOR)))).await?;
        }
        Group::Unmute { group, user: Some(user) } => {
            to_member(client, &Member { group, user }, Act::Mute(None)).await?;
        }
    }
    Ok(())
}

/// What is done to one person.
enum Act {
    Answer(bool),
    Kick,
    Role(Role),
    Transfer,
    Mute(Option<Duration>),
}

async fn to_member(client: &Client, member: &Member, act: Act) -> Result<(), Problem> {
    let (group, user) = (which(client, &member.group).await?, find(client, &member.user).await?);
    let (groups, name) = (client.groups(), &member.user);
    let done = match act {
        Act::Answer(accept) => {
            groups.answer(group, user, accept).await?;
            if accept { format!("let {name} in") } else { format!("declined {name}") }
        }
        Act::Kick => {
            groups.kick(group, user).await?;
            format!("removed {name}")
        }
        Act::Role(role) => {
            groups.role(group, user, role == Role::Admin).await?;
            match role {
                Role::Admin => format!("{name} is an admin"),
                Role::Member => format!("{name} is a member"),
            }
        }
        Act::Transfer => {
            groups.transfer(group, user).await?;
            format!("{name} is the owner")
        }
        Act::Mute(time) => {
            groups.mute(group, user, time).await?;
            if time.is_some() { format!("muted {name}") } else { format!("{name} may write again") }
        }
    };
    say::line(done);
    Ok(())
}

async fn change(client: &Client, update: &args::Update) -> Result<(), Problem> {
    let groups = client.groups();
    let group = which(client, &update.group).await?;
    let (name, description) = (update.name.as_deref(), update.description.as_deref());
    // Permissions are changed together, so those that stay are read first; nobody else's change is lost in between.
    let seen = if update.settings.names_roles() { groups.info(group).await?.details } else { None };
    let edit = GroupEdit {
        name: name.map(str::parse).transpose()?.map(Text),
        description: description.map(str::parse).transpose()?.map(Text),
        settings: update.settings.edit(seen.as_ref().map(|seen| seen.settings.permissions)),
    };
    if edit == GroupEdit::default() {
        return Err(Problem::told("nothing to change; see `tidings group update --help`"));
    }
    groups.update(group, seen.map(|seen| seen.version), edit).await?;
    say::line("changed");
    Ok(())
}

async fn join(client: &Client, group: &str, greeting: Option<&str>) -> Result<(), Problem> {
    let groups = client.groups();
    let joined = if let Ok(link) = group.parse::<JoinLink>() {
        groups.join_by(&link).await?
    } else {
        let group = match people::group(client, group).await? {
            Some(group) => group,
            None => invited_to(client, group).await?.ok_or_else(|| no_such(group))?,
        };
        groups.join(group, greeting.map(str::parse).transpose()?).await?
    };
    say::line(match joined {
        Joined::Member => "you are a member",
        Joined::Asked => "asked; `tidings listen` tells when somebody answers",
    });
    Ok(())
}

/// The group that an invitation calls so, the newest one first.
async fn invited_to(client: &Client, name: &str) -> Result<Option<GroupId>, Problem> {
    let notices = ConversationId::Notices(client.me().id.0);
    let page = client.messages(notices, Page::Newest, NOTICES).await?;
    let wanted = name.to_lowercase();
    Ok(page.entries.iter().rev().find_map(|entry| match &entry.body {
        Body::News(News::GroupInvitation { group, name, .. }) if name.as_str().to_lowercase().starts_with(&wanted) => {
            Some(group.0)
        }
        _ => None,
    }))
}

async fn which(client: &Client, group: &str) -> Result<GroupId, Problem> {
    people::group(client, group).await?.ok_or_else(|| no_such(group))
}

fn no_such(group: &str) -> Problem {
    Problem::told(format!("you are in no group called `{group}`; `tidings group list` shows yours"))
}
