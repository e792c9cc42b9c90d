//! `typing`: tells the others that somebody writes. It goes where a message of theirs would go, and says no more.

use futures_util::future::try_join_all;
use tidings_domain::delivery::{Event, reachable};
use tidings_domain::group::permissions::{self, Act, Denied};
use tidings_domain::ids::{ConversationId, GroupId, UserId};
use tidings_domain::limits::TYPING_GROUP_MAX;
use tidings_domain::membership;

use crate::clock::Clock;
use crate::doors::Doors;
use crate::error::PortError;
use crate::fleeting::tell;
use crate::ports::{Gateway, InboxRead, MemberRead, RecordRead, RouteRead, StrangersRead};

/// Tells that somebody writes.
#[derive(Debug)]
pub struct TellTyping<S, I, P, R, G, C> {
    /// Who is in a group.
    pub groups: S,
    /// Who takes messages of whom.
    pub doors: Doors<I, P>,
    /// Who is reached where.
    pub routes: R,
    /// The sockets.
    pub gateway: G,
    /// The time.
    pub clock: C,
}

/// Why nobody is told.
#[derive(Debug, thiserror::Error)]
pub enum TypingError {
    /// They might not write there.
    #[error("not allowed: {0:?}")]
    Denied(Denied),
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S, I, P, R, G, C> TellTyping<S, I, P, R, G, C>
where
    S: RecordRead + MemberRead,
    I: InboxRead,
    P: StrangersRead,
    R: RouteRead,
    G: Gateway,
    C: Clock,
{
    /// Tells the other people of the conversation, on all their devices.
    pub async fn run(&self, user: UserId, conversation: ConversationId, typing: bool) -> Result<(), TypingError> {
        let others = match conversation {
            ConversationId::Group(group) => self.others_in(group, user).await?,
            ConversationId::Direct(_) | ConversationId::Notices(_) => self.others_of(conversation, user).await?,
        };
        let routes = try_join_all(others.into_iter().map(|member| self.routes.of(member))).await?.concat();
        let event = Event::Typing { conversation, user, typing };
        let routes = reachable(routes, None, self.clock.now()).into_iter();
        tell(&self.gateway, routes.map(|route| (route.connection, event.clone())).collect()).await;
        Ok(())
    }

    /// Those who would take a message.
    async fn others_of(&self, conversation: ConversationId, user: UserId) -> Result<Vec<UserId>, TypingError> {
        membership::spans(conversation, user, None).ok_or(TypingError::Denied(Denied::NotAMember))?;
        let others = membership::people(conversation).into_iter().filter(|member| *member != user);
        let welcoming = async |other| Ok::<_, PortError>(self.doors.welcomes(other, user).await?.then_some(other));
        Ok(try_join_all(others.map(welcoming)).await?.into_iter().flatten().collect())
    }

    /// The other members, unless there are too many. Not as of one moment: what changes meanwhile is as fleeting as this.
    async fn others_in(&self, group: GroupId, user: UserId) -> Result<Vec<UserId>, TypingError> {
        let record = self.groups.groups(&[group]).await?.pop().flatten();
        let buckets = record.as_ref().map_or(0, |group| group.buckets);
        let members = self.groups.members(group, buckets).await?;
        let writer = members.iter().find(|member| member.user == user);
        permissions::check(Act::Write, record.as_ref(), writer, None, self.clock.now()).map_err(TypingError::Denied)?;
        if members.len() > TYPING_GROUP_MAX {
            return Ok(Vec::new());
        }
        Ok(members.iter().map(|member| member.user).filter(|member| *member != user).collect())
    }
}
