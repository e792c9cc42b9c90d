//! What system entries tell: the members of a group, or one person in their notices.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::contact::Tag;
use tidings_domain::group::{Announcement, Greeting, GroupName, Role};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{GroupId, UserId};

use crate::Text;
use crate::group::GroupEdit;
use crate::user::{Own, User};

/// What happened. The entry's sender is who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum News {
    /// The group begins.
    GroupCreated {
        /// What it is called.
        name: Text<GroupName>,
        /// Who is in it.
        members: Vec<Text<UserId>>,
    },
    /// Somebody became a member.
    MemberJoined {
        /// Who.
        user: Text<UserId>,
        /// Who invited them or let them in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Text<UserId>>,
    },
    /// A member left.
    MemberLeft {
        /// Who.
        user: Text<UserId>,
    },
    /// A member was removed.
    MemberRemoved {
        /// Who.
        user: Text<UserId>,
    },
    /// A member's role changed.
    RoleChanged {
        /// Whose.
        user: Text<UserId>,
        /// To what.
        role: Text<Role>,
    },
    /// The group has another owner; the one before is an admin now.
    OwnerChanged {
        /// Who.
        user: Text<UserId>,
    },
    /// A member may not write, or may write again.
    MemberMuted {
        /// Who.
        user: Text<UserId>,
        /// Until when, in milliseconds since the Unix epoch; without it they may write again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
    },
    /// Only admins may write, or everybody again.
    AllMuted {
        /// Whether.
        muted: bool,
    },
    /// What is given changed.
    GroupUpdated(GroupEdit),
    /// Something was announced.
    Announced {
        /// What; without it the last announcement was taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Text<Announcement>>,
    },
    /// A member is called something else here.
    NicknameChanged {
        /// Who.
        user: Text<UserId>,
        /// What; without it they have no nickname.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<Text<DisplayName>>,
    },
    /// There is a link that lets people in.
    LinkMade {
        /// Until when it is good, in milliseconds since the Unix epoch.
        expires_at: u64,
    },
    /// A link lets nobody in any more.
    LinkRevoked,
    /// The group is over.
    GroupDissolved,
    /// In notices: somebody is invited to a group.
    GroupInvitation {
        /// To which.
        group: Text<GroupId>,
        /// What it is called.
        name: Text<GroupName>,
        /// What the inviter said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        greeting: Option<Text<Greeting>>,
    },
    /// In notices: somebody asks to become a member.
    GroupRequest {
        /// Of which.
        group: Text<GroupId>,
        /// Who.
        user: Text<UserId>,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        greeting: Option<Text<Greeting>>,
    },
    /// In notices: a request to become a member was answered.
    GroupAnswer {
        /// Of which group.
        group: Text<GroupId>,
        /// Whose request.
        user: Text<UserId>,
        /// Whether they are in.
        accepted: bool,
    },
    /// In my own notices: what I call a group.
    GroupRemark {
        /// Which.
        group: Text<GroupId>,
        /// What; without it nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<Text<DisplayName>>,
    },
    /// In notices of both: the sender asks `user` to be a contact.
    ContactRequested {
        /// Whom.
        user: Text<UserId>,
        /// What was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        greeting: Option<Text<Greeting>>,
    },
    /// In notices of both: the sender has answered the request of `user`.
    ContactAnswered {
        /// Whose.
        user: Text<UserId>,
        /// Whether they are contacts now.
        accepted: bool,
    },
    /// In notices of both: the sender has ended what was between them and `user`.
    ContactRemoved {
        /// With whom.
        user: Text<UserId>,
    },
    /// In my own notices: what I call somebody, and keep them under.
    ContactChanged {
        /// Whom.
        user: Text<UserId>,
        /// What; without it nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<Text<DisplayName>>,
        /// What I keep them under.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        tags: Vec<Text<Tag>>,
    },
    /// In my own notices: I want nothing of somebody.
    ContactBlocked {
        /// Whom.
        user: Text<UserId>,
    },
    /// In my own notices: or again.
    ContactUnblocked {
        /// Whom.
        user: Text<UserId>,
    },
    /// In my own notices: I have changed my profile, settings or user name. Of several the one with the highest version
    /// holds, whichever was told last.
    ProfileChanged {
        /// My card.
        user: Box<User>,
        /// The rest.
        own: Box<Own>,
    },
}
