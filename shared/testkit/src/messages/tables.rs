//! The tables as plain values: what each call does to them, at once, as a DynamoDB item does. The fakes share them
//! between tasks; models step through them.

use std::collections::BTreeMap;

use tidings_application::ports::{LogPage, Range};
use tidings_domain::contact::Relation;
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, UserId};
use tidings_domain::inbox::{HeadState, InboxEntry, ReadPosition};
use tidings_domain::log::{Entry, From, Head, Put, Seq, Tail};
use tidings_domain::membership::Spans;
use tidings_domain::presence::Sighting;
use tidings_domain::route::{Claim, Route};
use tidings_domain::time::Timestamp;

/// The logs. See [`tidings_application::ports::LogRead`] and [`tidings_application::ports::LogAppend`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Logs(BTreeMap<(ConversationId, Seq), Entry>);

impl Logs {
    /// The whole log of a conversation, ascending.
    pub fn of(&self, conversation: ConversationId) -> impl DoubleEndedIterator<Item = &Entry> {
        self.0.range((conversation, Seq::NONE)..=(conversation, Seq::new(u64::MAX))).map(|(_, entry)| entry)
    }

    /// The end of a log. More than `limit` entries are `truncated`.
    pub fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> Tail {
        let head = self.of(conversation).next_back().map(|entry| entry.seq);
        let wanted = |entry: &&Entry| match from {
            From::Seq(seq) => entry.seq >= seq,
            From::Time(since) => entry.sent_at >= since || Some(entry.seq) == head,
        };
        let entries: Vec<_> = self.of(conversation).filter(wanted).cloned().collect();
        let truncated = entries.len() > limit;
        Tail { entries: if truncated { Vec::new() } else { entries }, truncated }
    }

    /// A page of a log.
    pub fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> LogPage {
        let wanted = |entry: &&Entry| match range {
            Range::After(after) => entry.seq > after,
            Range::Before(before) => entry.seq < before,
            Range::Newest => true,
        };
        let mut entries: Vec<_> = self.of(conversation).filter(wanted).cloned().collect();
        let more = entries.len() > limit;
        match range {
            Range::After(_) => entries.truncate(limit),
            Range::Before(_) | Range::Newest => drop(entries.drain(..entries.len().saturating_sub(limit))),
        }
        LogPage { entries, more }
    }

    /// One entry.
    pub fn entry(&self, conversation: ConversationId, seq: Seq) -> Option<&Entry> {
        self.0.get(&(conversation, seq))
    }

    /// Puts the entry on condition that its place is free.
    pub fn put(&mut self, conversation: ConversationId, entry: &Entry) -> Put {
        if let Some(winner) = self.entry(conversation, entry.seq) {
            return Put::Taken(Box::new(winner.clone()));
        }
        self.0.insert((conversation, entry.seq), entry.clone());
        Put::Stored
    }
}

/// The inboxes. See [`tidings_application::ports::InboxRead`] and what follows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Inboxes(BTreeMap<(UserId, ConversationId), InboxEntry>);

impl Inboxes {
    fn update(&mut self, user: UserId, conversation: ConversationId) -> &mut InboxEntry {
        self.0.entry((user, conversation)).or_insert_with(|| InboxEntry::new(conversation))
    }

    /// What `user` has of `conversation`.
    pub fn entry(&self, user: UserId, conversation: ConversationId) -> Option<&InboxEntry> {
        self.0.get(&(user, conversation))
    }

    /// The states of the `conversation`'s entries of these users, in their order.
    pub fn states(&self, users: &[UserId], conversation: ConversationId) -> Vec<Option<HeadState>> {
        users.iter().map(|user| self.entry(*user, conversation).map(|entry| entry.state)).collect()
    }

    /// Entries of `user` in key order, and whether there are more.
    pub fn page(&self, user: UserId, after: Option<ConversationId>, limit: usize) -> (Vec<InboxEntry>, bool) {
        let own = self.0.iter().filter(|((owner, _), _)| *owner == user).map(|(_, entry)| entry.clone());
        let mut page: Vec<_> = own.filter(|entry| after.is_none_or(|after| entry.conversation > after)).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        (page, more)
    }

    /// Sets `open` and version + 1, creating what is missing.
    pub fn open(&mut self, user: UserId, conversation: ConversationId) {
        let entry = self.update(user, conversation);
        entry.state = HeadState::Open;
        entry.version += 1;
    }

    /// Sets `settling` and version + 1 on condition of this version; whether it held.
    pub fn mark(&mut self, user: UserId, conversation: ConversationId, version: u64) -> bool {
        let entry = self.update(user, conversation);
        let held = entry.version == version && entry.state != HeadState::Settled;
        if held {
            entry.state = HeadState::Settling;
            entry.version += 1;
        }
        held
    }

    /// Stores the head and sets `settled` on condition of `settling` and this version; whether it held.
    pub fn settle(&mut self, user: UserId, conversation: ConversationId, version: u64, head: Head) -> bool {
        let entry = self.update(user, conversation);
        let held = entry.version == version && entry.state == HeadState::Settling;
        if held {
            (entry.state, entry.head) = (HeadState::Settled, head);
            entry.version += 1;
        }
        held
    }

    /// An entry that is made to say what the peer may, while nothing has been said, is settled.
    fn silent(&mut self, user: UserId, conversation: ConversationId) -> &mut InboxEntry {
        let silent = || InboxEntry { state: HeadState::Settled, ..InboxEntry::new(conversation) };
        self.0.entry((user, conversation)).or_insert_with(silent)
    }

    /// What the peer is to `user`.
    pub fn relate(&mut self, user: UserId, conversation: ConversationId, relation: Relation) {
        self.silent(user, conversation).door.peer = relation;
    }

    /// That strangers may write, on condition that the peer is one; whether it held.
    pub fn introduce(&mut self, user: UserId, conversation: ConversationId) -> bool {
        let held = self.entry(user, conversation).is_none_or(|entry| entry.door.peer == Relation::Stranger);
        if held {
            self.silent(user, conversation).door.strangers = true;
        }
        held
    }

    /// That nobody knows whether strangers may write.
    pub fn forget_strangers(&mut self, user: UserId, conversation: ConversationId) {
        if let Some(entry) = self.0.get_mut(&(user, conversation)) {
            entry.door.strangers = false;
        }
    }

    /// What `user` calls it.
    pub fn remark(&mut self, user: UserId, conversation: ConversationId, remark: Option<DisplayName>) {
        self.update(user, conversation).remark = remark;
    }

    /// Begins a membership: what is seen, and how far it counts as read.
    pub fn join(&mut self, user: UserId, conversation: ConversationId, spans: Spans, read: ReadPosition) {
        let entry = self.update(user, conversation);
        (entry.state, entry.spans, entry.read) = (HeadState::Open, spans, read);
        entry.version += 1;
    }

    /// Ends a membership: what is seen for good, and the last entry of it.
    pub fn leave(&mut self, user: UserId, conversation: ConversationId, spans: Spans, head: Head) {
        let entry = self.update(user, conversation);
        (entry.state, entry.spans, entry.head) = (HeadState::Settled, spans, head);
        entry.version += 1;
    }

    /// Moves the read position forward, never back; whether it moved, and where it stands.
    pub fn advance(&mut self, user: UserId, conversation: ConversationId, position: ReadPosition) -> (bool, Seq) {
        let entry = self.update(user, conversation);
        let moves = entry.read.seq < position.seq;
        if moves {
            entry.read = position;
        }
        (moves, entry.read.seq)
    }
}

/// A device's place among the routes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    ticket_at: Timestamp,
    route: Option<Route>,
    seen_at: Option<Timestamp>,
}

/// The routes. What is left of a connection that is over is the time of its ticket, and when it was seen. See
/// [`tidings_application::ports::RouteRead`] and [`tidings_application::ports::RouteWrite`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Routes(BTreeMap<(UserId, DeviceId), Place>);

impl Routes {
    /// All routes of a user, expired ones included.
    pub fn of(&self, user: UserId) -> Vec<Route> {
        self.0.values().filter_map(|place| place.route.clone()).filter(|route| route.user == user).collect()
    }

    /// The route of one device.
    pub fn get(&self, user: UserId, device: &DeviceId) -> Option<&Route> {
        self.0.get(&(user, device.clone())).and_then(|place| place.route.as_ref())
    }

    /// The time of the last ticket that the device has used.
    pub fn ticket_at(&self, user: UserId, device: &DeviceId) -> Option<Timestamp> {
        self.0.get(&(user, device.clone())).map(|place| place.ticket_at)
    }

    /// Writes the route on condition that the device has used no ticket, or only older ones.
    pub fn claim(&mut self, route: &Route) -> Claim {
        self.put(route, |ticket_at, _| ticket_at < route.ticket_at)
    }

    /// The same, and also where the route of this very ticket was released.
    pub fn restore(&mut self, route: &Route) -> Claim {
        self.put(route, |ticket_at, released| ticket_at < route.ticket_at || (ticket_at == route.ticket_at && released))
    }

    /// `may_replace` is told the time of the last ticket, and whether its route was released.
    fn put(&mut self, route: &Route, may_replace: impl Fn(Timestamp, bool) -> bool) -> Claim {
        let key = (route.user, route.device.clone());
        match self.0.get(&key) {
            Some(place) if !may_replace(place.ticket_at, place.route.is_none()) => Claim::Lost(place.route.clone()),
            _ => {
                let place =
                    Place { ticket_at: route.ticket_at, route: Some(route.clone()), seen_at: Some(route.connected_at) };
                Claim::Won(self.0.insert(key, place).and_then(|old| old.route))
            }
        }
    }

    /// Deletes the device's route on condition that it is this connection's; whether it was. The time of the ticket
    /// stays.
    pub fn release(&mut self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> bool {
        let held = self.0.get_mut(&(user, device.clone()));
        held.is_some_and(|place| place.route.take_if(|route| route.connection == *connection).is_some())
    }

    /// The same, and the connection was seen until then.
    pub fn leave(&mut self, user: UserId, device: &DeviceId, connection: &ConnectionId, at: Timestamp) -> bool {
        let released = self.release(user, device, connection);
        if let Some(place) = self.0.get_mut(&(user, device.clone())).filter(|_| released) {
            place.seen_at = Some(at);
        }
        released
    }

    /// Spends every ticket of the device up to then, unless it has used a later one; the route that it had.
    pub fn revoke(&mut self, user: UserId, device: &DeviceId, upto: Timestamp) -> Option<Route> {
        let unused = Place { ticket_at: Timestamp::EPOCH, route: None, seen_at: None };
        let place = self.0.entry((user, device.clone())).or_insert(unused);
        if place.ticket_at > upto {
            return None;
        }
        place.ticket_at = upto;
        place.route.take()
    }

    /// When the devices of a user were seen.
    pub fn sightings(&self, user: UserId) -> Vec<Sighting> {
        let own = self.0.iter().filter(|((owner, _), _)| *owner == user);
        own.map(|((_, device), place)| Sighting {
            device: device.clone(),
            route: place.route.clone(),
            seen_at: place.seen_at,
        })
        .collect()
    }
}
