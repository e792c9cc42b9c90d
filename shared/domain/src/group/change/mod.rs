//! Every change of a group: what is asked, what it must know, what it tells and what it writes. `rules` decides.

mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::permissions::Denied;
use super::text::{Announcement, Description, Greeting, GroupName, LinkCode};
use super::{Asking, Group, History, Joining, Link, Member, Permissions, Role, Settings};
use crate::contact::Reception;
use crate::identity::DisplayName;
use crate::ids::{ClientId, GroupId, UserId};
use crate::inbox::ReadPosition;
use crate::log::{BodyHash, Head, Seq};
use crate::membership::Spans;
use crate::time::Timestamp;

/// A change, as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// Found the group.
    Create {
        /// What it is called.
        name: GroupName,
        /// What it is about.
        description: Description,
        /// How it is run.
        settings: Settings,
        /// Who is in it from the beginning, beside the founder.
        members: Vec<UserId>,
    },
    /// Change what is given.
    Update {
        /// The version that the editor saw; another one is a conflict.
        version: Option<Seq>,
        /// What is new.
        edit: Edit,
    },
    /// Become a member, or ask to become one.
    Join {
        /// With this link.
        link: Option<LinkCode>,
        /// What to say to those who answer.
        greeting: Option<Greeting>,
    },
    /// Answer somebody's request.
    Answer {
        /// Whose.
        user: UserId,
        /// Let them in?
        accept: bool,
    },
    /// Invite somebody.
    Invite {
        /// Whom.
        user: UserId,
        /// What to say to them.
        greeting: Option<Greeting>,
    },
    /// Leave.
    Leave,
    /// Remove a member.
    Kick {
        /// Whom.
        user: UserId,
    },
    /// Make a member an admin, or an admin a member.
    Role {
        /// Whom.
        user: UserId,
        /// Admin or not.
        admin: bool,
    },
    /// Hand the group over to a member.
    Transfer {
        /// To whom.
        user: UserId,
    },
    /// Mute a member until then, or no longer.
    Mute {
        /// Whom.
        user: UserId,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// Mute everybody but admins, or no longer.
    MuteAll {
        /// Whether.
        muted: bool,
    },
    /// Announce something; `None` takes the announcement away.
    Announce {
        /// What.
        text: Option<Announcement>,
    },
    /// Change one's own nickname.
    Nickname {
        /// To what.
        nickname: Option<DisplayName>,
    },
    /// Change what oneself calls the group.
    Remark {
        /// To what.
        remark: Option<DisplayName>,
    },
    /// Make a link that lets people in.
    MakeLink(Link),
    /// Take a link back.
    RevokeLink(LinkCode),
    /// End the group.
    Dissolve,
    /// End the group, if nobody but its owner is in it.
    DissolveEmpty,
}

/// What an editor changes; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Edit {
    /// What it is called.
    pub name: Option<GroupName>,
    /// What it is about.
    pub description: Option<Description>,
    /// How one becomes a member.
    pub joining: Option<Joining>,
    /// Whether outsiders get its card.
    pub findable: Option<bool>,
    /// What new members see.
    pub history: Option<History>,
    /// Whether who left keeps what they saw.
    pub leavers_keep: Option<bool>,
    /// Who may do what.
    pub permissions: Option<Permissions>,
}

impl Edit {
    const fn touches_card(&self) -> bool {
        self.name.is_some() || self.description.is_some()
    }

    fn touches_settings(&self) -> bool {
        self.joining.is_some()
            || self.findable.is_some()
            || self.history.is_some()
            || self.leavers_keep.is_some()
            || self.permissions.is_some()
    }

    fn apply(&self, group: &mut Group) {
        let Self { name, description, joining, findable, history, leavers_keep, permissions } = self.clone();
        let settings = &mut group.settings;
        settings.joining = joining.unwrap_or(settings.joining);
        settings.findable = findable.unwrap_or(settings.findable);
        settings.history = history.unwrap_or(settings.history);
        settings.leavers_keep = leavers_keep.unwrap_or(settings.leavers_keep);
        settings.permissions = permissions.unwrap_or(settings.permissions);
        group.name = name.unwrap_or_else(|| group.name.clone());
        group.description = description.unwrap_or_else(|| group.description.clone());
    }
}

/// What the members are told, or one person in their notices.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The group begins.
    Created {
        /// What it is called.
        name: GroupName,
        /// Who is in it, the founder included.
        members: Vec<UserId>,
    },
    /// Somebody became a member.
    Joined {
        /// Who.
        user: UserId,
        /// Who let them in or invited them.
        by: Option<UserId>,
    },
    /// A member left.
    Left {
        /// Who.
        user: UserId,
    },
    /// A member was removed by the sender.
    Removed {
        /// Who.
        user: UserId,
    },
    /// A member's role changed.
    Role {
        /// Whose.
        user: UserId,
        /// To what.
        role: Role,
    },
    /// The group has another owner, who is not muted any more; the one before is an admin now.
    Owner {
        /// Who.
        user: UserId,
    },
    /// A member may not write until then, or may write again.
    Muted {
        /// Who.
        user: UserId,
        /// Until when.
        until: Option<Timestamp>,
    },
    /// Only admins may write, or everybody again.
    AllMuted {
        /// Whether.
        muted: bool,
    },
    /// The record changed.
    Updated(Edit),
    /// An announcement; none took the last one away.
    Announced {
        /// What.
        text: Option<Announcement>,
    },
    /// A member's nickname changed.
    Nickname {
        /// Whose.
        user: UserId,
        /// To what.
        nickname: Option<DisplayName>,
    },
    /// A link was made. Its code is for whoever made it.
    LinkMade {
        /// Until when it is good.
        expires_at: Timestamp,
    },
    /// A link was taken back.
    LinkRevoked,
    /// The group is over.
    Dissolved,
    /// To oneself: what one calls a group.
    Remarked {
        /// Which.
        group: GroupId,
        /// What.
        remark: Option<DisplayName>,
    },
    /// To an invited person: they may join.
    Invited {
        /// Where.
        group: GroupId,
        /// What it is called.
        name: GroupName,
        /// What the inviter said.
        greeting: Option<Greeting>,
    },
    /// To owner and whoever asked: somebody asks to become a member.
    Asked {
        /// Where.
        group: GroupId,
        /// Who.
        user: UserId,
        /// What they said.
        greeting: Option<Greeting>,
    },
    /// To whoever asked, and who answered: the answer.
    Answered {
        /// Where.
        group: GroupId,
        /// Who had asked.
        user: UserId,
        /// Whether they are in.
        accepted: bool,
    },
}

/// What a change writes with its entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// The record.
    Group(Group),
    /// A member.
    Member(Member),
    /// Who is no member any more.
    NoMember(UserId),
    /// What somebody sees from now on, and how far they count as having read.
    Joined {
        /// Whose inbox.
        user: UserId,
        /// What they see.
        spans: Spans,
        /// Up to the entry that tells it.
        read: ReadPosition,
    },
    /// What somebody sees in the end, with the head that they see.
    Left {
        /// Whose inbox.
        user: UserId,
        /// What they see.
        spans: Spans,
        /// The last entry of theirs.
        head: Head,
    },
    /// That somebody asks, or is invited.
    Asking(Asking),
    /// That nobody does any more.
    NoAsking(UserId),
    /// A link.
    Link(Link),
    /// That there is no such link any more.
    NoLink(LinkCode),
    /// What somebody calls the group.
    Remark {
        /// Whose inbox.
        user: UserId,
        /// What they call it.
        remark: Option<DisplayName>,
    },
    /// That somebody's notices are to be seen in their inbox.
    Notices(UserId),
}

/// The records that a change rests on. All are read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// These members.
    pub members: Vec<UserId>,
    /// What these people see of the group.
    pub spans: Vec<UserId>,
    /// Whether this person asks or is invited.
    pub asking: Option<UserId>,
    /// This link.
    pub link: Option<LinkCode>,
}

/// Those records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct State {
    /// The group, if there is one.
    pub group: Option<Group>,
    /// The members asked for who are some.
    pub members: BTreeMap<UserId, Member>,
    /// What the people asked for see.
    pub spans: BTreeMap<UserId, Spans>,
    /// The request or invitation asked for.
    pub asking: Option<Asking>,
    /// The link asked for.
    pub link: Option<Link>,
    /// How those take the actor whom the change depends on ([`Request::people`]).
    pub people: BTreeMap<UserId, Reception>,
}

/// Why a change may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// By the table of permissions.
    Denied(Denied),
    /// The one whom it is about is no member.
    NoSuchMember,
    /// The link is not known, expired or used up.
    LinkNotGood,
    /// One joins by invitation alone.
    InvitationOnly,
    /// Nobody asks, or the request has expired.
    NobodyAsks,
    /// The one whom it is about is a member.
    IsMember,
    /// Nobody is there to be invited.
    NoSuchUser,
    /// The group has all the members that it may have.
    Full,
    /// Too many to begin with.
    TooMany,
    /// Somebody does not want to be brought in by the actor.
    Unwelcome,
    /// The record was changed since the editor saw it.
    Stale,
    /// There are others in it.
    NotEmpty,
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// Somebody's request to change a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Which group.
    pub group: GroupId,
    /// Who asks.
    pub actor: UserId,
    /// What they call it.
    pub client_id: ClientId,
    /// What tells it from another request of the same client id.
    pub fingerprint: BodyHash,
    /// What they ask for.
    pub change: Change,
    /// Who owns the group, as far as was known when the request came: whom a request to join is told.
    pub owner: Option<UserId>,
}
