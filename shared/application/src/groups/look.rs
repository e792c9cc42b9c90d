//! What is read of groups.

use futures_util::future::try_join_all;
use tidings_domain::group::change::Wanted;
use tidings_domain::group::permissions::{self, Act, Denied};
use tidings_domain::group::{Asking, Group, Link, Member};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ConversationId, GroupId, UserId};
use tidings_domain::log::Head;

use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{AskingRead, GroupRead, InboxRead, LinkRead, LogRead, MemberRead, Range, RecordRead};

/// Reads groups, as somebody may see them.
#[derive(Clone, Debug)]
pub struct LookAtGroups<L, I, S, C> {
    /// The logs, for how many members there are.
    pub log: L,
    /// The inboxes, for which groups somebody is in.
    pub inboxes: I,
    /// The groups.
    pub groups: S,
    /// The time.
    pub clock: C,
}

/// A group as somebody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The group.
    pub group: Group,
    /// How many members it has.
    pub members: u64,
    /// The viewer as its member; `None` for an outsider, who gets no more than a card.
    pub me: Option<Member>,
    /// Place of the last entry. The list of members is as of then.
    pub head: Head,
}

/// A page of members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberPage {
    /// Ascending by id.
    pub members: Vec<Member>,
    /// Whether there are more.
    pub more: bool,
    /// The list is as of this entry or later.
    pub head: Head,
}

/// A group that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: GroupId,
    /// The group and how many members it has; nothing to whoever left, unless outsiders may see it.
    pub seen: Option<(Group, u64)>,
    /// Whether they are a member now.
    pub member: bool,
    /// What they call it.
    pub remark: Option<DisplayName>,
}

/// Why nothing is to be seen.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// By the table of permissions.
    #[error("not allowed: {0:?}")]
    Denied(Denied),
    /// There is no such member.
    #[error("no such member")]
    NoSuchMember,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<L, I, S, C> LookAtGroups<L, I, S, C>
where
    L: LogRead,
    I: InboxRead,
    S: GroupRead + RecordRead + MemberRead + AskingRead + LinkRead,
    C: Clock,
{
    /// The group; to outsiders only if it is findable.
    pub async fn info(&self, viewer: UserId, group: GroupId) -> Result<Info, LookError> {
        let head = self.head(group).await?;
        let (group, me) = self.standing(viewer, group).await?;
        let group = group.filter(|group| me.is_some() || is_found(group));
        let group = group.ok_or(LookError::Denied(Denied::NotAMember))?;
        Ok(Info { group, members: head.counts.members(), me, head })
    }

    /// Members whose nickname begins so (all, without), after the one with this id, at most `limit`.
    pub async fn members(
        &self,
        viewer: UserId,
        group: GroupId,
        after: Option<UserId>,
        nickname: Option<&str>,
        limit: usize,
    ) -> Result<MemberPage, LookError> {
        let head = self.head(group).await?;
        let group = self.allowed(Act::Look, viewer, group).await?;
        let mut members = self.groups.members(group.id, group.buckets).await?;
        let wanted = |member: &Member| {
            let named = |wanted: &str| {
                let name = member.nickname.as_ref().map(|name| name.as_str().to_lowercase());
                name.is_some_and(|name| name.starts_with(&wanted.to_lowercase()))
            };
            after.is_none_or(|after| member.user > after) && nickname.is_none_or(named)
        };
        members.retain(wanted);
        members.sort_unstable_by_key(|member| member.user);
        let more = members.len() > limit;
        members.truncate(limit);
        Ok(MemberPage { members, more, head })
    }

    /// One member.
    pub async fn member(&self, viewer: UserId, group: GroupId, user: UserId) -> Result<Member, LookError> {
        let wanted = Wanted { members: vec![viewer, user], ..Wanted::default() };
        let mut state = self.groups.state(group, &wanted).await?;
        let me = state.members.get(&viewer);
        permissions::check(Act::Look, state.group.as_ref(), me, None, self.clock.now()).map_err(LookError::Denied)?;
        state.members.remove(&user).ok_or(LookError::NoSuchMember)
    }

    /// Who asks to become a member or is invited, after the one with this id, at most `limit`, and whether there are more.
    pub async fn requests(
        &self,
        viewer: UserId,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<Asking>, bool), LookError> {
        let group = self.allowed(Act::Admit, viewer, group).await?;
        let now = self.clock.now();
        let mut asking = self.groups.asking(group.id).await?;
        asking.retain(|asking| asking.is_alive(now) && after.is_none_or(|after| asking.user > after));
        asking.sort_unstable_by_key(|asking| asking.user);
        let more = asking.len() > limit;
        asking.truncate(limit);
        Ok((asking, more))
    }

    /// The links that let people in, at most `limit`.
    pub async fn links(&self, viewer: UserId, group: GroupId, limit: usize) -> Result<Vec<Link>, LookError> {
        let group = self.allowed(Act::Admit, viewer, group).await?;
        let now = self.clock.now();
        let mut links = self.groups.links(group.id).await?;
        links.retain(|link| link.is_good(now));
        links.truncate(limit);
        Ok(links)
    }

    /// The groups that somebody is or was in, after this one in key order, and whether there are more.
    pub async fn list(
        &self,
        user: UserId,
        after: Option<GroupId>,
        limit: usize,
    ) -> Result<(Vec<Listed>, bool), LookError> {
        // Groups stand in one stretch of an inbox's keys: the first of it is the lowest group there can be.
        let after = after.map_or(LOWEST_GROUP, ConversationId::Group);
        let (entries, more) = self.inboxes.page(user, Some(after), limit).await?;
        let in_groups = entries.iter().map_while(|entry| match entry.conversation {
            ConversationId::Group(group) => Some((group, entry)),
            ConversationId::Direct(_) | ConversationId::Notices(_) => None,
        });
        let in_groups: Vec<_> = in_groups.collect();
        let more = more && in_groups.len() == entries.len();
        let ids: Vec<_> = in_groups.iter().map(|(group, _)| *group).collect();
        let groups = self.groups.groups(&ids).await?;
        let heads = try_join_all(ids.iter().map(|group| self.head(*group))).await?;
        let known = in_groups.into_iter().zip(groups).zip(heads);
        let listed = known.map(|(((id, entry), group), head)| {
            let member = entry.spans.current().is_some();
            let group = group.filter(|group| member || is_found(group));
            let seen = group.map(|group| (group, head.counts.members()));
            Listed { id, seen, member, remark: entry.remark.clone() }
        });
        Ok((listed.collect(), more))
    }

    async fn head(&self, group: GroupId) -> Result<Head, PortError> {
        let conversation = ConversationId::Group(group);
        let newest = self.log.page(conversation, Range::Newest, 1).await?.entries.pop();
        Ok(newest.map_or(Head::none(conversation), |entry| entry.head()))
    }

    async fn standing(&self, viewer: UserId, group: GroupId) -> Result<(Option<Group>, Option<Member>), PortError> {
        let mut state = self.groups.state(group, &Wanted { members: vec![viewer], ..Wanted::default() }).await?;
        Ok((state.group, state.members.remove(&viewer)))
    }

    async fn allowed(&self, act: Act, viewer: UserId, group: GroupId) -> Result<Group, LookError> {
        let (group, me) = self.standing(viewer, group).await?;
        permissions::check(act, group.as_ref(), me.as_ref(), None, self.clock.now()).map_err(LookError::Denied)?;
        group.ok_or(LookError::Denied(Denied::NotAMember))
    }
}

/// Whether outsiders may see its card.
const fn is_found(group: &Group) -> bool {
    group.settings.findable && !group.dissolved
}

/// Before every group in an inbox's key order; nobody's id has no bits.
pub(crate) const LOWEST_GROUP: ConversationId = ConversationId::Group(GroupId::from_bits(0));
