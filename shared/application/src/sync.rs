//! `sync`: drives [`tidings_domain::sync::Sync`], then settles what is due.

use std::pin::pin;

use futures_util::future::{join_all, select};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tidings_domain::delivery::Event;
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::inbox::InboxEntry;
use tidings_domain::limits::SINCE_OVERLAP_MS;
use tidings_domain::log::{Entry, Head};
use tidings_domain::posting::Post;
use tidings_domain::route::{Claim, Route};
use tidings_domain::settle::{self, Settle};
use tidings_domain::sync::{Answer, Call, Conversation, Request, Seen, Sync};
use tidings_domain::time::Timestamp;

use crate::clock::Clock;
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{Gateway, InboxRead, InboxSettle, LogRead, Range, RouteRead, RouteWrite};

/// Logs read at once by one sync. More would not be faster on one small function.
const READS_IN_FLIGHT: usize = 16;

/// How long a sync may settle before it answers, in milliseconds: some round trips, and far less than its time-out
/// when the table is throttled.
const SETTLE_BUDGET_MS: u64 = 1_000;

/// Answers what a device needs after it was away.
#[derive(Debug)]
pub struct SyncDevice<L, I, R, G, C> {
    /// The logs.
    pub log: L,
    /// The inboxes.
    pub inboxes: I,
    /// The routes.
    pub routes: R,
    /// The sockets, for the one that was replaced.
    pub gateway: G,
    /// The time.
    pub clock: C,
}

/// The routes and the sockets of a sync over HTTP: there is no connection, so none is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct OverHttp;

impl OverHttp {
    fn asked<T>() -> Result<T, PortError> {
        Err(PortError::fatal("a sync over HTTP has no connection"))
    }
}

impl RouteRead for OverHttp {
    async fn of(&self, _: UserId) -> Result<Vec<Route>, PortError> {
        Self::asked()
    }

    async fn get(&self, _: UserId, _: &DeviceId) -> Result<Option<Route>, PortError> {
        Self::asked()
    }
}

impl RouteWrite for OverHttp {
    async fn claim(&self, _: &Route) -> Result<Claim, PortError> {
        Self::asked()
    }

    async fn restore(&self, _: &Route) -> Result<Claim, PortError> {
        Self::asked()
    }

    async fn release(&self, _: UserId, _: &DeviceId, _: &ConnectionId) -> Result<bool, PortError> {
        Self::asked()
    }
}

impl Gateway for OverHttp {
    async fn post(&self, _: &ConnectionId, _: &[Event]) -> Post {
        Post::Failed
    }

    async fn close(&self, _: &ConnectionId) -> Result<(), PortError> {
        Self::asked()
    }
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Ascending by conversation.
    pub conversations: Vec<Conversation>,
    /// Where the next page begins, if there is one.
    pub cursor: Option<ConversationId>,
    /// For the next sync.
    pub since: Timestamp,
}

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// The device has connected with a later ticket; this connection is closed.
    #[error("this device has a newer connection")]
    Replaced,
    /// A read failed; the same again is safe.
    #[error("could not read now")]
    Unavailable,
}

impl<L, I, R, G, C> SyncDevice<L, I, R, G, C>
where
    L: LogRead,
    I: InboxRead + InboxSettle,
    R: RouteRead + RouteWrite,
    G: Gateway,
    C: Clock,
{
    /// One page.
    pub async fn run(&self, request: Request) -> Result<Page, SyncError> {
        let started = self.clock.now();
        let (user, own) = (request.user, request.route.clone());
        let page = match drive(Sync::start(request), &self.clock, |call| self.make(user, own.as_ref(), call)).await {
            Answer::Page(page) => page,
            Answer::Unavailable => return Err(SyncError::Unavailable),
            Answer::Replaced => return Err(SyncError::Replaced),
        };
        self.settle_all(user, &page.settle).await;
        Ok(Page {
            conversations: page.conversations,
            cursor: page.cursor,
            since: started.minus_millis(SINCE_OVERLAP_MS),
        })
    }

    async fn make(&self, user: UserId, own: Option<&Route>, call: Call) -> Result<Seen, PortError> {
        Ok(match call {
            Call::ReadRoute => match own {
                Some(own) => Seen::Route(self.routes.get(own.user, &own.device).await?),
                None => Seen::Route(None),
            },
            Call::Restore(route) => Seen::Restored(self.routes.restore(&route).await?),
            Call::Close(connection) => {
                drop(self.gateway.close(&connection).await);
                Seen::Closed
            }
            Call::ReadInbox { after, limit } => {
                let (entries, more) = self.inboxes.page(user, after, limit).await?;
                Seen::Inbox(entries, more)
            }
            Call::ReadNewest { conversations, entries } => {
                let reads = conversations.into_iter().map(|conversation| self.newest(conversation, entries));
                Seen::Newest(stream::iter(reads).buffered(READS_IN_FLIGHT).try_collect().await?)
            }
            Call::ReadAgain(conversations) => {
                let reads = conversations.into_iter().map(|conversation| self.inboxes.entry(user, conversation));
                Seen::Again(stream::iter(reads).buffered(READS_IN_FLIGHT).try_collect().await?)
            }
        })
    }

    async fn newest(&self, conversation: ConversationId, limit: usize) -> Result<Vec<Entry>, PortError> {
        Ok(self.log.page(conversation, Range::Newest, limit).await?.entries)
    }

    /// Settles what is due, all at once and not for long: it is the caller's answer that waits. Cutting a settler off
    /// in the middle is what its protocol is made for.
    async fn settle_all(&self, user: UserId, due: &[InboxEntry]) {
        let settling = join_all(due.iter().map(|entry| self.settle(user, entry)));
        let limit = self.clock.sleep(SETTLE_BUDGET_MS);
        select(pin!(settling), pin!(limit)).await;
    }

    /// Settles one entry; whatever fails is left to another sync.
    async fn settle(&self, user: UserId, entry: &InboxEntry) {
        let make = |call| self.make_settle(user, entry.conversation, call);
        drive(Settle::start(entry), &self.clock, make).await;
    }

    async fn make_settle(
        &self,
        user: UserId,
        conversation: ConversationId,
        call: settle::Call,
    ) -> Result<settle::Seen, PortError> {
        Ok(match call {
            settle::Call::Mark { version } => {
                settle::Seen::Written(self.inboxes.mark(user, conversation, version).await?)
            }
            settle::Call::ReadHead => {
                let newest = self.newest(conversation, 1).await?;
                settle::Seen::Head(newest.last().map_or(Head::none(conversation), Entry::head))
            }
            settle::Call::Settle { version, head } => {
                settle::Seen::Written(self.inboxes.settle(user, conversation, version, head).await?)
            }
        })
    }
}
