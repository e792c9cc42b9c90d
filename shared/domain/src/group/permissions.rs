//! Who may do what in a group: one table of action by standing, and what the state of the group and the member takes
//! away. The documentation's table is made from it.

use super::{Group, Member, Role};
use crate::time::Timestamp;

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Write a message.
    Write,
    /// Read the record, the members, and one member.
    Look,
    /// Change name and description.
    Edit,
    /// Change how the group is run.
    Settle,
    /// Announce something.
    Announce,
    /// Invite somebody.
    Invite,
    /// Make and revoke links, read and answer requests.
    Admit,
    /// Remove a member.
    Remove,
    /// Mute a member.
    Mute,
    /// Mute everybody.
    MuteAll,
    /// Make somebody an admin, or a member again.
    Appoint,
    /// Hand the group over.
    HandOver,
    /// Change one's own nickname.
    Rename,
    /// Leave.
    Leave,
    /// End the group.
    Dissolve,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 15] = [
        Self::Write,
        Self::Look,
        Self::Edit,
        Self::Settle,
        Self::Announce,
        Self::Invite,
        Self::Admit,
        Self::Remove,
        Self::Mute,
        Self::MuteAll,
        Self::Appoint,
        Self::HandOver,
        Self::Rename,
        Self::Leave,
        Self::Dissolve,
    ];

    /// What it is, for people.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Write => "write a message",
            Self::Look => "read the group and its members",
            Self::Edit => "change name and description",
            Self::Settle => "change how the group is run",
            Self::Announce => "announce something",
            Self::Invite => "invite somebody",
            Self::Admit => "make links, answer requests",
            Self::Remove => "remove a member",
            Self::Mute => "mute a member",
            Self::MuteAll => "mute everybody",
            Self::Appoint => "make an admin, or a member again",
            Self::HandOver => "hand the group over",
            Self::Rename => "change one's own nickname",
            Self::Leave => "leave",
            Self::Dissolve => "end the group",
        }
    }

    /// The actions that are it, by their names on the wire.
    pub const fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Write => &["message.send"],
            Self::Look => &["group.info", "group.members", "group.member"],
            Self::Edit | Self::Settle => &["group.update"],
            Self::Announce => &["group.announce"],
            Self::Invite => &["group.invite"],
            Self::Admit => &["group.link", "group.requests", "group.answer"],
            Self::Remove => &["group.kick"],
            Self::Mute | Self::MuteAll => &["group.mute"],
            Self::Appoint => &["group.role"],
            Self::HandOver => &["group.transfer"],
            Self::Rename => &["group.nickname"],
            Self::Leave => &["group.leave"],
            Self::Dissolve => &["group.dissolve"],
        }
    }
}

/// What a role may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Yes, to members of a lower role.
    Below,
    /// Yes, if the group's settings say so: its `edit` or `invite` permission.
    Set,
}

/// The table: for member, admin and owner.
pub const fn rules(act: Act) -> [Rule; 3] {
    use Rule::{Below, No, Set, Yes};
    match act {
        Act::Write | Act::Look | Act::Rename => [Yes, Yes, Yes],
        Act::Edit | Act::Invite => [Set, Set, Yes],
        Act::Settle | Act::Announce | Act::Admit | Act::MuteAll => [No, Yes, Yes],
        Act::Remove | Act::Mute => [No, Below, Below],
        Act::Appoint => [No, No, Below],
        Act::HandOver | Act::Dissolve => [No, No, Yes],
        // An owner hands over or dissolves: a group without an owner could never be changed again.
        Act::Leave => [Yes, Yes, No],
    }
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Denied {
    /// Not a member, whether or not the group exists.
    NotAMember,
    /// A member of too low a role.
    Role,
    /// The member is muted.
    Muted,
    /// Everybody is muted, but admins.
    AllMuted,
    /// The group is over.
    Dissolved,
}

/// Whether `actor` may do it, to a member of the role `target` where it is done to somebody and there is such a member.
pub fn check(
    act: Act,
    group: Option<&Group>,
    actor: Option<&Member>,
    target: Option<Role>,
    now: Timestamp,
) -> Result<(), Denied> {
    let (Some(group), Some(actor)) = (group, actor) else { return Err(Denied::NotAMember) };
    if group.dissolved && act != Act::Look {
        return Err(Denied::Dissolved);
    }
    let permissions = &group.settings.permissions;
    let least = if act == Act::Invite { permissions.invite } else { permissions.edit };
    let allowed = match rules(act)[actor.role as usize] {
        Rule::Yes => true,
        Rule::No => false,
        Rule::Below => target.is_none_or(|target| target < actor.role),
        Rule::Set => actor.role >= least,
    };
    if !allowed {
        return Err(Denied::Role);
    }
    if act == Act::Write && actor.is_muted(now) {
        return Err(Denied::Muted);
    }
    if act == Act::Write && group.muted && actor.role == Role::Member {
        return Err(Denied::AllMuted);
    }
    Ok(())
}

/// The table for people: a row an act, in Markdown.
pub fn table() -> String {
    let cell = |rule: Rule| match rule {
        Rule::Yes => "yes",
        Rule::No => "no",
        Rule::Below => "to lower roles",
        Rule::Set => "by setting",
    };
    let rows = Act::ALL.iter().map(|act| {
        let actions: Vec<_> = act.actions().iter().map(|action| format!("`{action}`")).collect();
        let [member, admin, owner] = rules(*act).map(cell);
        let also = match act {
            Act::Write => "not while muted; while all are muted only admins and the owner",
            Act::Look => "also after the group has ended; outsiders get the card of a findable group",
            Act::Edit => "setting `edit`",
            Act::Invite => "setting `invite`",
            Act::Leave => "the owner hands over or ends the group",
            _ => "",
        };
        format!("| {} | {} | {member} | {admin} | {owner} | {also} |\n", act.text(), actions.join(" "))
    });
    let head = "| what | action | member | admin | owner | and |\n| --- | --- | --- | --- | --- | --- |\n";
    format!("{head}{}", rows.collect::<String>())
}
