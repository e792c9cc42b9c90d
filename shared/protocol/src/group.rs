//! A group, as those see it who may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::{Announcement, Description, Greeting, GroupName, History, Joining, LinkCode, Role};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ConversationId, GroupId, UserId};

use crate::Text;

/// The least role that may do it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupPermissions {
    /// Invite people.
    pub invite: Text<Role>,
    /// Change name and description.
    pub edit: Text<Role>,
    /// Pin messages.
    pub pin: Text<Role>,
    /// Mention everybody.
    pub mention_all: Text<Role>,
}

/// What an editor changes. What is missing stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupEdit {
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text<GroupName>>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<Description>>,
    /// How it is run.
    #[serde(flatten)]
    pub settings: SettingsEdit,
}

/// How a group is run, as far as somebody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsEdit {
    /// How one becomes a member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joining: Option<Text<Joining>>,
    /// Whether outsiders get its card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub findable: Option<bool>,
    /// What new members see of what was said before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Text<History>>,
    /// Whether who left keeps what they saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leavers_keep: Option<bool>,
    /// Who may do what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<GroupPermissions>,
}

/// How a group is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupSettings {
    /// How one becomes a member.
    pub joining: Text<Joining>,
    /// Whether outsiders get its card.
    pub findable: bool,
    /// What new members see of what was said before.
    pub history: Text<History>,
    /// Whether who left keeps what they saw.
    pub leavers_keep: bool,
    /// Who may do what.
    pub permissions: GroupPermissions,
}

/// The last announcement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupAnnouncement {
    /// What.
    pub text: Text<Announcement>,
    /// By whom.
    pub by: Text<UserId>,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// What everybody may see of a findable group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCard {
    /// Never changes.
    pub id: Text<GroupId>,
    /// What it is called.
    pub name: Text<GroupName>,
    /// What it is about.
    pub description: Text<Description>,
    /// How many members it has.
    pub members: u64,
    /// How one becomes a member.
    pub joining: Text<Joining>,
}

/// A group, as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupDetails {
    /// Who has the last word.
    pub owner: Text<UserId>,
    /// How it is run.
    pub settings: GroupSettings,
    /// Whether only admins may write.
    pub muted: bool,
    /// The last announcement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<GroupAnnouncement>,
    /// Seq of the entry that told the last change of this record. An editor names it, so that nobody's change is lost
    /// unseen.
    pub version: u64,
    /// When it was founded, in milliseconds since the Unix epoch.
    pub created_at: u64,
    /// Whether it is over.
    pub dissolved: bool,
    /// I, as its member.
    pub me: MemberInfo,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemberInfo {
    /// Who.
    pub user: Text<UserId>,
    /// What they may do.
    pub role: Text<Role>,
    /// What they are called in the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Text<DisplayName>>,
    /// Until when they may not write, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<u64>,
    /// When they joined, in milliseconds since the Unix epoch.
    pub joined_at: u64,
}

/// Somebody who asks to become a member, or is invited to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupAsking {
    /// Who.
    pub user: Text<UserId>,
    /// Who invited them; without it they asked themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<Text<UserId>>,
    /// What was said with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Text<Greeting>>,
    /// When, in milliseconds since the Unix epoch.
    pub at: u64,
}

/// A link that lets people in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InviteLink {
    /// Whoever has it gets in.
    pub code: Text<LinkCode>,
    /// Who made it.
    pub by: Text<UserId>,
    /// Until when it is good, in milliseconds since the Unix epoch.
    pub expires_at: u64,
    /// How many more may use it; without it any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uses_left: Option<u32>,
}

/// A change that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupChanged {
    /// Where I am told: the group, or my notices.
    pub conversation: Text<ConversationId>,
    /// Place of the entry that tells it; of the newest one, if it was so already.
    pub seq: u64,
    /// Whether an earlier attempt had done it.
    pub duplicate: bool,
}
