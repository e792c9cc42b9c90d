//! Groups: everything that members do to them. Messages go through [`Client::send`], as everywhere.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use tidings_domain::group::{Announcement, Description, Greeting, GroupName, InvalidText, LinkCode};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ClientId, ConversationId, GroupId, InvalidId, UserId};
use tidings_domain::limits::MEMBERS_PAGE_MAX;
use tidings_protocol::actions::{
    Call, GroupAnnounce, GroupAnswer, GroupCreate, GroupDissolve, GroupInfo, GroupInfoReply, GroupInvite, GroupJoin,
    GroupKick, GroupLeave, GroupLink, GroupList, GroupMember, GroupMembers, GroupMute, GroupNickname, GroupRemark,
    GroupRequests, GroupRole, GroupTransfer, GroupUpdate, ListedGroup,
};
pub use tidings_protocol::group::{
    GroupAnnouncement, GroupAsking, GroupCard, GroupChanged, GroupDetails, GroupEdit, GroupPermissions, GroupSettings,
    InviteLink, MemberInfo, SettingsEdit,
};

use crate::client::Client;
use crate::error::CallError;

/// A new group.
#[derive(Clone, Debug)]
pub struct NewGroup {
    /// What it is called.
    pub name: GroupName,
    /// What it is about.
    pub description: Option<Description>,
    /// Who is in it from the beginning, beside me: people who would take my messages. Others are invited.
    pub members: Vec<UserId>,
    /// How it is run, where it is not as usual.
    pub settings: SettingsEdit,
}

/// A link that lets people into a group, as one text: `<group>/<code>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JoinLink {
    /// Into which.
    pub group: GroupId,
    /// Whoever has it gets in.
    pub code: LinkCode,
}

impl fmt::Display for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.group, self.code)
    }
}

/// Why a text is no link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidLink {
    /// Nothing divides group and code.
    #[error("a link is a group's id, `/` and a code")]
    Form,
    /// What is before the `/` is no group.
    #[error(transparent)]
    Group(#[from] InvalidId),
    /// What is behind it is no code.
    #[error(transparent)]
    Code(#[from] InvalidText),
}

impl FromStr for JoinLink {
    type Err = InvalidLink;

    fn from_str(text: &str) -> Result<Self, InvalidLink> {
        let (group, code) = text.split_once('/').ok_or(InvalidLink::Form)?;
        Ok(Self { group: group.parse()?, code: code.parse()? })
    }
}

/// What came of joining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// I am a member.
    Member,
    /// Somebody has to let me in; my notices will tell.
    Asked,
}

/// Who is in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    /// Ascending by id.
    pub members: Vec<MemberInfo>,
    /// The list holds what the entries up to this seq tell; later entries tell what changed since.
    pub version: u64,
}

/// What is open in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requests {
    /// Who asks to become a member or is invited, ascending by who.
    pub asking: Vec<GroupAsking>,
    /// Links that are still good.
    pub links: Vec<InviteLink>,
}

/// What a client does to groups ([`Client::groups`]). Every change is sent again until it is answered, and done once.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a>(&'a Client);

impl Client {
    /// Groups.
    pub const fn groups(&self) -> Groups<'_> {
        Groups(self)
    }
}

impl Groups<'_> {
    /// Founds a group. I own it.
    pub async fn create(&self, new: NewGroup) -> Result<GroupId, CallError> {
        let request = move |client_id: ClientId| GroupCreate {
            client_id: client_id.into(),
            name: new.name.clone().into(),
            description: new.description.clone().map(Into::into),
            members: new.members.iter().map(|member| (*member).into()).collect(),
            settings: new.settings,
        };
        let created = self.0.change(request).await?;
        self.0.told(ConversationId::Group(created.group.0), created.seq).await;
        Ok(created.group.0)
    }

    /// A group as I may see it: outsiders see the card of one that is findable.
    pub async fn info(&self, group: GroupId) -> Result<GroupInfoReply, CallError> {
        self.0.call(GroupInfo { group: group.into() }).await
    }

    /// Changes what a group is called and how it is run. With the `version` that I saw, nobody's change is lost unseen:
    /// if it is another one by now, this one is refused (`conflict`).
    pub async fn update(
        &self,
        group: GroupId,
        version: Option<u64>,
        edit: GroupEdit,
    ) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupUpdate {
            group: group.into(),
            client_id: client_id.into(),
            version,
            edit: edit.clone(),
        })
        .await
    }

    /// Becomes a member, by invitation or as the group lets people in.
    pub async fn join(&self, group: GroupId, greeting: Option<Greeting>) -> Result<Joined, CallError> {
        self.enter(group, None, greeting).await
    }

    /// Becomes a member by a link.
    pub async fn join_by(&self, link: &JoinLink) -> Result<Joined, CallError> {
        self.enter(link.group, Some(link.code.clone()), None).await
    }

    async fn enter(
        &self,
        group: GroupId,
        link: Option<LinkCode>,
        greeting: Option<Greeting>,
    ) -> Result<Joined, CallError> {
        let changed = self.changed(move |client_id| GroupJoin {
            group: group.into(),
            client_id: client_id.into(),
            link: link.clone().map(Into::into),
            greeting: greeting.clone().map(Into::into),
        });
        Ok(match changed.await?.conversation.0 {
            ConversationId::Group(_) => Joined::Member,
            _ => Joined::Asked,
        })
    }

    /// Who asks to become a member, who is invited, and the links that let people in.
    pub async fn requests(&self, group: GroupId) -> Result<Requests, CallError> {
        let mut page = self.0.call(GroupRequests { group: group.into(), after: None }).await?;
        let mut all = Requests { asking: Vec::new(), links: page.links };
        loop {
            let after = page.asking.last().map(|last| last.user);
            all.asking.extend(page.asking);
            if !page.more || after.is_none() {
                return Ok(all);
            }
            page = self.0.call(GroupRequests { group: group.into(), after }).await?;
        }
    }

    /// Lets somebody in who asks, or not.
    pub async fn answer(&self, group: GroupId, user: UserId, accept: bool) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupAnswer {
            group: group.into(),
            client_id: client_id.into(),
            user: user.into(),
            accept,
        })
        .await
    }

    /// Invites somebody. They join with [`Groups::join`], whatever the group says of joining.
    pub async fn invite(
        &self,
        group: GroupId,
        user: UserId,
        greeting: Option<Greeting>,
    ) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupInvite {
            group: group.into(),
            client_id: client_id.into(),
            user: user.into(),
            greeting: greeting.clone().map(Into::into),
        })
        .await
    }

    /// Leaves a group.
    pub async fn leave(&self, group: GroupId) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupLeave { group: group.into(), client_id: client_id.into() }).await
    }

    /// Removes a member.
    pub async fn kick(&self, group: GroupId, user: UserId) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupKick { group: group.into(), client_id: client_id.into(), user: user.into() })
            .await
    }

    /// All members.
    pub async fn members(&self, group: GroupId) -> Result<Members, CallError> {
        self.members_called(group, None).await
    }

    /// Members whose nickname begins so; all without.
    pub async fn members_called(&self, group: GroupId, nickname: Option<DisplayName>) -> Result<Members, CallError> {
        let mut all = Members { members: Vec::new(), version: u64::MAX };
        loop {
            let after = all.members.last().map(|last: &MemberInfo| last.user);
            let limit = Some(MEMBERS_PAGE_MAX);
            let nickname = nickname.clone().map(Into::into);
            let page = self.0.call(GroupMembers { group: group.into(), after, limit, nickname }).await?;
            // What happened between two pages is told by the entries behind the first.
            all.version = all.version.min(page.version);
            let more = page.more && !page.members.is_empty();
            all.members.extend(page.members);
            if !more {
                return Ok(all);
            }
        }
    }

    /// One member.
    pub async fn member(&self, group: GroupId, user: UserId) -> Result<MemberInfo, CallError> {
        Ok(self.0.call(GroupMember { group: group.into(), user: user.into() }).await?.member)
    }

    /// Makes a member an admin, or an admin a member.
    pub async fn role(&self, group: GroupId, user: UserId, admin: bool) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupRole {
            group: group.into(),
            client_id: client_id.into(),
            user: user.into(),
            admin,
        })
        .await
    }

    /// Hands a group over to a member.
    pub async fn transfer(&self, group: GroupId, user: UserId) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupTransfer {
            group: group.into(),
            client_id: client_id.into(),
            user: user.into(),
        })
        .await
    }

    /// Mutes a member for a time, in whole seconds; without one they may write again.
    pub async fn mute(&self, group: GroupId, user: UserId, time: Option<Duration>) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupMute {
            group: group.into(),
            client_id: client_id.into(),
            user: Some(user.into()),
            muted: time.is_some(),
            seconds: time.map(|time| time.as_secs()),
        })
        .await
    }

    /// Lets only admins write, or everybody again.
    pub async fn mute_all(&self, group: GroupId, muted: bool) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupMute {
            group: group.into(),
            client_id: client_id.into(),
            user: None,
            muted,
            seconds: None,
        })
        .await
    }

    /// Announces something to all members, or takes the announcement away.
    pub async fn announce(&self, group: GroupId, text: Option<Announcement>) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupAnnounce {
            group: group.into(),
            client_id: client_id.into(),
            text: text.clone().map(Into::into),
        })
        .await
    }

    /// What I am called in a group; without it I have no nickname.
    pub async fn nickname(&self, group: GroupId, nickname: Option<DisplayName>) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupNickname {
            group: group.into(),
            client_id: client_id.into(),
            nickname: nickname.clone().map(Into::into),
        })
        .await
    }

    /// What I call a group, for myself; without it nothing.
    pub async fn remark(&self, group: GroupId, remark: Option<DisplayName>) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupRemark {
            group: group.into(),
            client_id: client_id.into(),
            remark: remark.clone().map(Into::into),
        })
        .await
    }

    /// Makes a link that lets people in: for a time in whole seconds (without one a week), for so many people (without
    /// a number any).
    pub async fn link(&self, group: GroupId, time: Option<Duration>, uses: Option<u32>) -> Result<JoinLink, CallError> {
        let request = move |client_id: ClientId| GroupLink {
            group: group.into(),
            client_id: client_id.into(),
            revoke: None,
            seconds: time.map(|time| time.as_secs()),
            uses,
        };
        let made = self.0.change(request).await?;
        self.0.told(ConversationId::Group(group), made.seq).await;
        let link = made.link.ok_or_else(|| CallError::Garbled("no link was answered".into()))?;
        Ok(JoinLink { group, code: link.code.0 })
    }

    /// Takes a link back.
    pub async fn revoke(&self, link: &JoinLink) -> Result<(), CallError> {
        let JoinLink { group, code } = link.clone();
        let request = move |client_id: ClientId| GroupLink {
            group: group.into(),
            client_id: client_id.into(),
            revoke: Some(code.clone().into()),
            seconds: None,
            uses: None,
        };
        let revoked = self.0.change(request).await?;
        self.0.told(ConversationId::Group(group), revoked.seq).await;
        Ok(())
    }

    /// Ends a group. Its log stays readable to its members.
    pub async fn dissolve(&self, group: GroupId) -> Result<GroupChanged, CallError> {
        self.changed(move |client_id| GroupDissolve { group: group.into(), client_id: client_id.into() }).await
    }

    /// The groups that I am or was in, ascending by id.
    pub async fn list(&self) -> Result<Vec<ListedGroup>, CallError> {
        let mut all: Vec<ListedGroup> = Vec::new();
        loop {
            let after = all.last().map(|last| last.group);
            let page = self.0.call(GroupList { after, limit: None }).await?;
            let more = page.more && !page.groups.is_empty();
            all.extend(page.groups);
            if !more {
                return Ok(all);
            }
        }
    }

    async fn changed<C: Call<Reply = GroupChanged>>(
        &self,
        request: impl Fn(ClientId) -> C + Send + 'static,
    ) -> Result<GroupChanged, CallError> {
        let changed = self.0.change(request).await?;
        self.0.told(changed.conversation.0, changed.seq).await;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_one_text() {
        let text = "g_01JD0000000000000000000G00/01JD0000000000000000000K00";
        let link: JoinLink = text.parse().unwrap();
        assert_eq!(link.to_string(), text);
        for (bad, why) in [
            ("g_01JD0000000000000000000G00", InvalidLink::Form),
            ("u_01JD0000000000000000000G00/01JD0000000000000000000K00", InvalidLink::Group(InvalidId::Group)),
            ("g_01JD0000000000000000000G00/", InvalidLink::Code(InvalidText::LinkCode)),
        ] {
            assert_eq!(bad.parse::<JoinLink>(), Err(why), "{bad}");
        }
    }
}
