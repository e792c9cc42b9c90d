//! The tables as ports: shared between tasks, each call atomic.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_application::error::PortError;
use tidings_application::ports::{
    InboxAdvance, InboxForget, InboxOpen, InboxRead, InboxSettle, LogAppend, LogPage, LogRead, Range, RouteLeave,
    RouteRead, RouteRevoke, RouteWrite, SightingRead,
};
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::inbox::{HeadState, InboxEntry, ReadPosition};
use tidings_domain::log::{Entry, From, Head, Put, Seq, Tail};
use tidings_domain::presence::Sighting;
use tidings_domain::route::{Claim, Route};
use tidings_domain::time::Timestamp;

use super::tables::{Inboxes, Logs, Routes};

pub(super) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeLog(pub(super) Arc<Mutex<Logs>>);

impl FakeLog {
    /// The whole log of a conversation.
    pub fn all(&self, conversation: ConversationId) -> Vec<Entry> {
        lock(&self.0).of(conversation).cloned().collect()
    }
}

impl LogRead for FakeLog {
    async fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Result<Tail, PortError> {
        Ok(lock(&self.0).tail(conversation, from, limit))
    }

    async fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> Result<LogPage, PortError> {
        Ok(lock(&self.0).page(conversation, range, limit))
    }

    async fn entry(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Entry>, PortError> {
        Ok(lock(&self.0).entry(conversation, seq).cloned())
    }
}

impl LogAppend for FakeLog {
    async fn put(&self, conversation: ConversationId, entry: &Entry) -> Result<Put, PortError> {
        Ok(lock(&self.0).put(conversation, entry))
    }
}

/// Inboxes in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeInboxes(pub(super) Arc<Mutex<Inboxes>>);

impl InboxRead for FakeInboxes {
    async fn entry(&self, user: UserId, conversation: ConversationId) -> Result<Option<InboxEntry>, PortError> {
        Ok(lock(&self.0).entry(user, conversation).cloned())
    }

    async fn states(
        &self,
        users: &[UserId],
        conversation: ConversationId,
    ) -> Result<Vec<Option<HeadState>>, PortError> {
        Ok(lock(&self.0).states(users, conversation))
    }

    async fn page(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<InboxEntry>, bool), PortError> {
        Ok(lock(&self.0).page(user, after, limit))
    }
}

impl InboxOpen for FakeInboxes {
    async fn open(&self, user: UserId, conversation: ConversationId) -> Result<(), PortError> {
        lock(&self.0).open(user, conversation);
        Ok(())
    }
}

impl InboxSettle for FakeInboxes {
    async fn mark(&self, user: UserId, conversation: ConversationId, version: u64) -> Result<bool, PortError> {
        Ok(lock(&self.0).mark(user, conversation, version))
    }

    async fn settle(
        &self,
        user: UserId,
        conversation: ConversationId,
        version: u64,
        head: Head,
    ) -> Result<bool, PortError> {
        Ok(lock(&self.0).settle(user, conversation, version, head))
    }
}

impl InboxAdvance for FakeInboxes {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        position: ReadPosition,
    ) -> Result<(bool, Seq), PortError> {
        Ok(lock(&self.0).advance(user, conversation, position))
    }
}

impl InboxForget for FakeInboxes {
    async fn forget_strangers(&self, user: UserId, conversation: ConversationId) -> Result<(), PortError> {
        lock(&self.0).forget_strangers(user, conversation);
        Ok(())
    }
}

/// Routes in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeRoutes(Arc<Mutex<Routes>>);

impl RouteRead for FakeRoutes {
    async fn of(&self, user: UserId) -> Result<Vec<Route>, PortError> {
        Ok(lock(&self.0).of(user))
    }

    async fn get(&self, user: UserId, device: &DeviceId) -> Result<Option<Route>, PortError> {
        Ok(lock(&self.0).get(user, device).cloned())
    }
}

impl RouteWrite for FakeRoutes {
    async fn claim(&self, route: &Route) -> Result<Claim, PortError> {
        Ok(lock(&self.0).claim(route))
    }

    async fn restore(&self, route: &Route) -> Result<Claim, PortError> {
        Ok(lock(&self.0).restore(route))
    }

    async fn release(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> Result<bool, PortError> {
        Ok(lock(&self.0).release(user, device, connection))
    }
}

impl RouteLeave for FakeRoutes {
    async fn leave(
        &self,
        user: UserId,
        device: &DeviceId,
        connection: &ConnectionId,
        at: Timestamp,
    ) -> Result<bool, PortError> {
        Ok(lock(&self.0).leave(user, device, connection, at))
    }
}

impl RouteRevoke for FakeRoutes {
    async fn revoke(&self, user: UserId, device: &DeviceId, upto: Timestamp) -> Result<Option<Route>, PortError> {
        Ok(lock(&self.0).revoke(user, device, upto))
    }
}

impl SightingRead for FakeRoutes {
    async fn sightings(&self, user: UserId) -> Result<Vec<Sighting>, PortError> {
        Ok(lock(&self.0).sightings(user))
    }
}
