//! How groups look.

use tidings_client::GroupId;
use tidings_client::actions::{GroupInfoReply, ListedGroup};
use tidings_client::groups::{GroupDetails, JoinLink, MemberInfo, Requests};
use tidings_domain::group::{History, Joining};

use crate::people::Names;
use crate::say;
use crate::text::{Clock, harmless};

/// A group as I may see it.
pub(super) async fn info(names: &mut Names<'_>, info: &GroupInfoReply, json: bool, clock: Clock) {
    if json {
        return say::json(info);
    }
    let card = &info.card;
    say::line(format_args!("{}  {}", harmless(card.name.as_str()), card.id));
    if !card.description.as_str().is_empty() {
        say::line(harmless(card.description.as_str()));
    }
    let joining = match card.joining.0 {
        Joining::Open => "whoever has its id joins",
        Joining::Approval => "whoever has its id asks, and an admin answers",
        Joining::Invitation => "one joins by invitation or link",
    };
    say::line(format_args!("{}; {joining}", many(card.members)));
    let Some(details) = &info.details else { return };
    let GroupDetails { owner, settings, muted, announcement, dissolved, me, .. } = details;
    say::line(format_args!(
        "{}; new members see {}; those who leave keep {}",
        if settings.findable { "outsiders see this card" } else { "outsiders see nothing" },
        if settings.history.0 == History::All { "everything" } else { "what is said from then on" },
        if settings.leavers_keep { "what they saw" } else { "nothing" },
    ));
    let permissions = &settings.permissions;
    say::line(format_args!(
        "least role to invite: {}, to edit: {}, to pin: {}, to mention all: {}",
        permissions.invite, permissions.edit, permissions.pin, permissions.mention_all
    ));
    let nickname = me.nickname.as_ref().map(|name| format!(", called {}", harmless(name.as_str())));
    let owner = names.of(owner.0).await;
    say::line(format_args!("owner: {owner}; you: {}{}", me.role, nickname.unwrap_or_default()));
    if let Some(announced) = announcement {
        let (by, at) = (names.of(announced.by.0).await, clock.short(announced.at));
        say::line(format_args!("announced by {by}, {at}: {}", harmless(announced.text.as_str())));
    }
    if *muted {
        say::line("only admins may write");
    }
    if *dissolved {
        say::line("dissolved");
    }
}

/// Who is in a group.
pub(super) async fn members(names: &mut Names<'_>, members: &[MemberInfo], json: bool, clock: Clock) {
    for member in members {
        if json {
            say::json(member);
            continue;
        }
        let name = harmless(&names.of(member.user.0).await);
        let called = member.nickname.as_ref().map(|name| format!(", called {}", harmless(name.as_str())));
        let muted = member.muted_until.map(|until| format!(", muted until {}", clock.short(until)));
        let (called, muted) = (called.unwrap_or_default(), muted.unwrap_or_default());
        say::line(format_args!("{:<7} {name}{called}{muted}", member.role.as_str()));
    }
}

/// Who asks to come in, who is invited, and the links.
pub(super) async fn requests(names: &mut Names<'_>, group: GroupId, requests: &Requests, json: bool, clock: Clock) {
    for asking in &requests.asking {
        if json {
            say::json(asking);
            continue;
        }
        let name = harmless(&names.of(asking.user.0).await);
        let greeting = asking.greeting.as_ref().map(|greeting| format!(": {}", harmless(greeting.as_str())));
        let greeting = greeting.unwrap_or_default();
        match asking.invited_by {
            Some(by) => {
                let by = harmless(&names.of(by.0).await);
                say::line(format_args!("{} {by} invited {name}{greeting}", clock.short(asking.at)));
            }
            None => say::line(format_args!("{} {name} asks{greeting}", clock.short(asking.at))),
        }
    }
    for link in &requests.links {
        if json {
            say::json(link);
            continue;
        }
        let text = JoinLink { group, code: link.code.0.clone() };
        let left = link.uses_left.map(|left| format!(", for {left} more")).unwrap_or_default();
        say::line(format_args!("{text}  until {}{left}", clock.short(link.expires_at)));
    }
}

/// The groups that I am or was in.
pub(super) fn list(groups: &[ListedGroup], json: bool) {
    for listed in groups {
        if json {
            say::json(listed);
            continue;
        }
        let name = listed.card.as_ref().map_or("(nothing is left to see)", |card| card.name.as_str());
        let remark = listed.remark.as_ref().map(|remark| format!(" ({})", harmless(remark.as_str())));
        let state = match &listed.card {
            _ if !listed.member => "left".to_owned(),
            Some(card) => many(card.members),
            None => String::new(),
        };
        say::line(format_args!("{}  {state:<12} {}{}", listed.group, harmless(name), remark.unwrap_or_default()));
    }
    if groups.is_empty() && !json {
        say::note("no groups yet; `tidings group create NAME` founds one");
    }
}

fn many(members: u64) -> String {
    if members == 1 { "1 member".to_owned() } else { format!("{members} members") }
}
