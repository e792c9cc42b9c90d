//! What hangs on an account that has ended: memberships, contacts, and whose messages are taken.
//!
//! Each is undone by the change that the person could have made, so everybody else is told as of any other. Nothing is
//! remembered of how far it came: what is still there is looked up, and so the same again goes on where a crash or the
//! clock has stopped it.

use std::future::Future;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tidings_domain::change::Refusal;
use tidings_domain::contact;
use tidings_domain::group::change::Wanted;
use tidings_domain::group::{self, Role};
use tidings_domain::ids::{ClientId, ConversationId, GroupId, UserId};
use tidings_domain::limits::LEAVING_MS;
use tidings_domain::log::BodyHash;
use tidings_domain::time::Timestamp;

use crate::clock::{Clock, Random};
use crate::contacts::{ChangeContact, ForgetStrangers};
use crate::error::PortError;
use crate::groups::{ChangeGroup, LOWEST_GROUP};
use crate::ports::{
    ContactCommit, ContactRead, FanOutQueue, GroupCommit, GroupRead, InboxForget, InboxRead, LinkRead, LogRead,
    MemberRead, StrangersRead, Which,
};

/// Inbox entries or contacts that are read at once: 100 of 200 bytes are five read units.
const PAGE: usize = 100;

/// Groups that are left at the same time. Contacts all take places in the person's one log of notices, so of those one
/// is ended after the other.
const AT_ONCE: usize = 8;

/// How often a group is looked at. Handing over, leaving and finding it done take three; the others are for heirs who
/// leave meanwhile.
const LOOKS: usize = 8;

/// Every change has a client id of its own, so nothing else needs to tell it from another.
const FINGERPRINT: BodyHash = BodyHash::new([0; 32]);

/// Undoes what ties somebody to others.
pub trait LeaveEverything: Send + Sync {
    /// Undoes what is still there; an error that may pass says that there is more.
    fn leave(&self, user: UserId) -> impl Future<Output = Result<(), PortError>> + Send;
}

/// Who leaves brings nobody in.
#[derive(Clone, Copy, Debug)]
pub struct NoNewcomers;

impl StrangersRead for NoNewcomers {
    async fn takes_strangers(&self, _: UserId) -> Result<Option<bool>, PortError> {
        Ok(None)
    }
}

/// Leaves groups and ends contacts.
#[derive(Debug)]
pub struct LeaveAll<L, I, S, K, Q, C> {
    /// Changes groups.
    pub groups: ChangeGroup<L, S, I, NoNewcomers, Q, C>,
    /// Changes contacts.
    pub contacts: ChangeContact<L, K, Q, C>,
    /// Makes the inbox forget whose messages are taken: whoever writes from now on finds nobody.
    pub strangers: ForgetStrangers<I>,
}

impl<L, I, S, K, Q, C> LeaveEverything for LeaveAll<L, I, S, K, Q, C>
where
    L: LogRead,
    I: InboxRead + InboxForget,
    S: GroupRead + MemberRead + GroupCommit + LinkRead,
    K: ContactRead + ContactCommit,
    Q: FanOutQueue,
    C: Clock + Random,
{
    async fn leave(&self, user: UserId) -> Result<(), PortError> {
        let until = self.clock().now().plus_millis(LEAVING_MS);
        self.leave_groups(user, until).await?;
        self.end_contacts(user, until).await?;
        // Who was about to join a group when the account ended is a member by now.
        self.leave_groups(user, until).await?;
        self.strangers.run(user).await
    }
}

impl<L, I, S, K, Q, C> LeaveAll<L, I, S, K, Q, C>
where
    L: LogRead,
    I: InboxRead,
    S: GroupRead + MemberRead + GroupCommit + LinkRead,
    K: ContactRead + ContactCommit,
    Q: FanOutQueue,
    C: Clock + Random,
{
    const fn clock(&self) -> &C {
        &self.groups.clock
    }

    /// A client id for the next change; past `until` there is none.
    fn client_id(&self, until: Timestamp) -> Result<ClientId, PortError> {
        let now = self.clock().now();
        if now < until { Ok(ClientId::new(now, self.clock().bits())) } else { Err(more("the time is up")) }
    }

    async fn leave_groups(&self, user: UserId, until: Timestamp) -> Result<(), PortError> {
        let mut after = Some(LOWEST_GROUP);
        loop {
            let (entries, more) = self.strangers.inboxes.page(user, after, PAGE).await?;
            let groups = entries.iter().filter_map(|entry| match entry.conversation {
                ConversationId::Group(group) => entry.spans.current().map(|_| group),
                ConversationId::Direct(_) | ConversationId::Notices(_) => None,
            });
            let leaving: Vec<_> = groups.map(|group| self.leave_group(user, group, until)).collect();
            stream::iter(leaving).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
            after = entries.last().map(|entry| entry.conversation);
            if !more || !matches!(after, Some(ConversationId::Group(_))) {
                return Ok(());
            }
        }
    }

    async fn leave_group(&self, user: UserId, group: GroupId, until: Timestamp) -> Result<(), PortError> {
        for _ in 0..LOOKS {
            let Some(change) = self.next(user, group).await? else { return Ok(()) };
            let client_id = self.client_id(until)?;
            let request =
                group::change::Request { group, actor: user, client_id, fingerprint: FINGERPRINT, change, owner: None };
            match self.groups.run(request, None).await {
                // What was read may be over: the heir has left, somebody has come. Look again.
                Ok(_) | Err(Refusal::Rule(_)) => {}
                Err(_) => return Err(more("a group is not left")),
            }
        }
        Err(more("a group has changed each time"))
    }

    /// What takes somebody out of a group, or nearer to it; `None` if they are in it no more. Who is in a group that is over
    /// stays in its records: nothing changes there any more.
    async fn next(&self, user: UserId, group: GroupId) -> Result<Option<group::change::Change>, PortError> {
        use group::change::Change;
        let groups = &self.groups.groups;
        let mut state = groups.state(group, &Wanted { members: vec![user], ..Wanted::default() }).await?;
        let Some(group) = state.group.filter(|group| !group.dissolved) else { return Ok(None) };
        let Some(member) = state.members.remove(&user) else { return Ok(None) };
        if member.role != Role::Owner {
            return Ok(Some(Change::Leave));
        }
        let members = groups.members(group.id, group.buckets).await?;
        let heir = group::heir(&members, user);
        Ok(Some(heir.map_or(Change::DissolveEmpty, |user| Change::Transfer { user })))
    }

    async fn end_contacts(&self, user: UserId, until: Timestamp) -> Result<(), PortError> {
        let mut after = None;
        loop {
            let (page, more_pages) = self.contacts.contacts.contacts(user, after, Which::Present, PAGE).await?;
            // Whom they only block does not know, and stays blocked.
            for contact in page.iter().filter(|contact| contact.tie.is_some()) {
                let request = contact::change::Request {
                    actor: user,
                    peer: contact.peer,
                    client_id: self.client_id(until)?,
                    fingerprint: FINGERPRINT,
                    change: contact::change::Change::Remove,
                };
                match self.contacts.run(request, None).await {
                    // Refused is that nothing is between them any more.
                    Ok(_) | Err(Refusal::Rule(_)) => {}
                    Err(_) => return Err(more("a contact is not ended")),
                }
            }
            after = page.last().map(|contact| contact.peer);
            if !more_pages {
                return Ok(());
            }
        }
    }
}

/// The same again goes on.
fn more(why: &'static str) -> PortError {
    PortError::retryable(why)
}
