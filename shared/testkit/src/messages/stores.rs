//! The tables in memory. Each call is atomic, as a DynamoDB item is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_application::error::PortError;
use tidings_application::ports::{
    InboxAdvance, InboxOpen, InboxRead, InboxSettle, LogAppend, LogPage, LogRead, Range, RouteRead, RouteWrite,
};
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::inbox::{HeadState, InboxEntry, ReadPosition};
use tidings_domain::log::{Entry, From, Head, Put, Seq, Tail};
use tidings_domain::route::{Claim, Route};
use tidings_domain::time::Timestamp;

type Shared<K, V> = Arc<Mutex<BTreeMap<K, V>>>;

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The log in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeLog(Shared<(ConversationId, Seq), Entry>);

impl FakeLog {
    /// The whole log of a conversation.
    pub fn all(&self, conversation: ConversationId) -> Vec<Entry> {
        let range = (conversation, Seq::NONE)..=(conversation, Seq::new(u64::MAX));
        lock(&self.0).range(range).map(|(_, entry)| entry.clone()).collect()
    }
}

impl LogRead for FakeLog {
    async fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Result<Tail, PortError> {
        let all = self.all(conversation);
        let head = all.last().map(|entry| entry.seq);
        let wanted = |entry: &Entry| match from {
            From::Seq(seq) => entry.seq >= seq,
            From::Time(since) => entry.sent_at >= since || Some(entry.seq) == head,
        };
        let entries: Vec<_> = all.into_iter().filter(wanted).collect();
        let truncated = entries.len() > limit;
        Ok(Tail { entries: if truncated { Vec::new() } else { entries }, truncated })
    }

    async fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> Result<LogPage, PortError> {
        let wanted = |entry: &Entry| match range {
            Range::After(after) => entry.seq > after,
            Range::Before(before) => entry.seq < before,
            Range::Newest => true,
        };
        let mut entries: Vec<_> = self.all(conversation).into_iter().filter(wanted).collect();
        let more = entries.len() > limit;
        match range {
            Range::After(_) => entries.truncate(limit),
            Range::Before(_) | Range::Newest => drop(entries.drain(..entries.len().saturating_sub(limit))),
        }
        Ok(LogPage { entries, more })
    }

    async fn entry(&self, conversation: ConversationId, seq: Seq) -> Result<Option<Entry>, PortError> {
        Ok(lock(&self.0).get(&(conversation, seq)).cloned())
    }
}

impl LogAppend for FakeLog {
    async fn put(&self, conversation: ConversationId, entry: &Entry) -> Result<Put, PortError> {
        let mut log = lock(&self.0);
        if let Some(winner) = log.get(&(conversation, entry.seq)) {
            return Ok(Put::Taken(Box::new(winner.clone())));
        }
        log.insert((conversation, entry.seq), entry.clone());
        Ok(Put::Stored)
    }
}

/// Inboxes in memory.
#[derive(Clone, Debug, Default)]
pub struct FakeInboxes(Shared<(UserId, ConversationId), InboxEntry>);

impl FakeInboxes {
    fn update<T>(&self, user: UserId, conversation: ConversationId, change: impl FnOnce(&mut InboxEntry) -> T) -> T {
        let missing = InboxEntry {
            conversation,
            state: HeadState::Open,
            version: 0,
            head: Head::none(conversation),
            read: ReadPosition::none(conversation),
        };
        change(lock(&self.0).entry((user, conversation)).or_insert(missing))
    }
}

impl InboxRead for FakeInboxes {
    async fn entry(&self, user: UserId, conversation: ConversationId) -> Result<Option<InboxEntry>, PortError> {
        Ok(lock(&self.0).get(&(user, conversation)).copied())
    }

    async fn states(
        &self,
        users: &[UserId],
        conversation: ConversationId,
    ) -> Result<Vec<Option<HeadState>>, PortError> {
        let inboxes = lock(&self.0);
        Ok(users.iter().map(|user| inboxes.get(&(*user, conversation)).map(|entry| entry.state)).collect())
    }

    async fn page(
        &self,
        user: UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<(Vec<InboxEntry>, bool), PortError> {
        let inboxes = lock(&self.0);
        let own = inboxes.iter().filter(|((owner, _), _)| *owner == user).map(|(_, entry)| *entry);
        let mut page: Vec<_> = own.filter(|entry| after.is_none_or(|after| entry.conversation > after)).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        Ok((page, more))
    }
}

impl InboxOpen for FakeInboxes {
    async fn open(&self, user: UserId, conversation: ConversationId) -> Result<(), PortError> {
        self.update(user, conversation, |entry| {
            entry.state = HeadState::Open;
            entry.version += 1;
        });
        Ok(())
    }
}

impl InboxSettle for FakeInboxes {
    async fn mark(&self, user: UserId, conversation: ConversationId, version: u64) -> Result<bool, PortError> {
        Ok(self.update(user, conversation, |entry| {
            let held = entry.version == version && entry.state != HeadState::Settled;
            if held {
                entry.state = HeadState::Settling;
                entry.version += 1;
            }
            held
        }))
    }

    async fn settle(
        &self,
        user: UserId,
        conversation: ConversationId,
        version: u64,
        head: Head,
    ) -> Result<bool, PortError> {
        Ok(self.update(user, conversation, |entry| {
            let held = entry.version == version && entry.state == HeadState::Settling;
            if held {
                (entry.state, entry.head) = (HeadState::Settled, head);
                entry.version += 1;
            }
            held
        }))
    }
}

impl InboxAdvance for FakeInboxes {
    async fn advance(
        &self,
        user: UserId,
        conversation: ConversationId,
        position: ReadPosition,
    ) -> Result<(bool, Seq), PortError> {
        Ok(self.update(user, conversation, |entry| {
            let moves = entry.read.seq < position.seq;
            if moves {
                entry.read = position;
            }
            (moves, entry.read.seq)
        }))
    }
}

/// Routes in memory. What is left of a connection that is over is the time of its ticket.
#[derive(Clone, Debug, Default)]
pub struct FakeRoutes(Shared<(UserId, DeviceId), (Timestamp, Option<Route>)>);

impl FakeRoutes {
    fn put(&self, route: &Route, may_replace: impl Fn(Timestamp, &Option<Route>) -> bool) -> Claim {
        let mut routes = lock(&self.0);
        let key = (route.user, route.device.clone());
        match routes.get(&key) {
            Some((ticket_at, current)) if !may_replace(*ticket_at, current) => Claim::Lost(current.clone()),
            _ => Claim::Won(routes.insert(key, (route.ticket_at, Some(route.clone()))).and_then(|(_, old)| old)),
        }
    }
}

impl RouteRead for FakeRoutes {
    async fn of(&self, user: UserId) -> Result<Vec<Route>, PortError> {
        let routes = lock(&self.0);
        Ok(routes.values().filter_map(|(_, route)| route.clone()).filter(|route| route.user == user).collect())
    }

    async fn get(&self, user: UserId, device: &DeviceId) -> Result<Option<Route>, PortError> {
        Ok(lock(&self.0).get(&(user, device.clone())).and_then(|(_, route)| route.clone()))
    }
}

impl RouteWrite for FakeRoutes {
    async fn claim(&self, route: &Route) -> Result<Claim, PortError> {
        Ok(self.put(route, |ticket_at, _| ticket_at < route.ticket_at))
    }

    async fn restore(&self, route: &Route) -> Result<Claim, PortError> {
        Ok(self.put(route, |ticket_at, current| {
            ticket_at < route.ticket_at || (ticket_at == route.ticket_at && current.is_none())
        }))
    }

    async fn release(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> Result<bool, PortError> {
        let mut routes = lock(&self.0);
        let held = routes.get_mut(&(user, device.clone())).map(|(_, route)| route);
        match held {
            Some(route) if route.as_ref().is_some_and(|route| route.connection == *connection) => {
                *route = None;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}
