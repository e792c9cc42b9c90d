//! What the use cases need from the world, one small trait per capability. All reads are strongly consistent: the
//! protocols rest on it.

use std::future::Future;

use tidings_domain::contact::{Contact, Relation, change as contact};
use tidings_domain::delivery::{Event, FanOut};
use tidings_domain::group::change::{State, Wanted, Write};
use tidings_domain::group::{Asking, Group, Link, Member};
use tidings_domain::ids::{ConnectionId, ConversationId, DeviceId, GroupId, UserId};
use tidings_domain::inbox::{HeadState, InboxEntry, ReadPosition};
use tidings_domain::log::{Entry, From, Head, Put, Seq, Tail};
use tidings_domain::posting::{Post, Retry};
use tidings_domain::presence::{Sighting, Watcher};
use tidings_domain::profile::PresenceTo;
use tidings_domain::route::{Claim, Route};
use tidings_domain::task::Task;
use tidings_domain::time::Timestamp;

use crate::error::PortError;

/// A port's answer, some time later.
pub trait Answer<T>: Future<Output = Result<T, PortError>> + Send {}

impl<T, F: Future<Output = Result<T, PortError>> + Send> Answer<T> for F {}

/// Which entries of a log, ascending in the answer whichever way they are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The entries right above this seq.
    After(Seq),
    /// The entries right below this seq.
    Before(Seq),
    /// The newest entries.
    Newest,
}

/// Entries of a log, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPage {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether there are more in the direction asked.
    pub more: bool,
}

/// Reads conversation logs.
pub trait LogRead: Send + Sync {
    /// The end of a log. More than `limit` entries are `truncated`.
    fn tail(&self, conversation: ConversationId, from: From, limit: usize) -> impl Answer<Tail>;
    /// A page of a log: at most `limit` entries (the adapter may give fewer).
    fn page(&self, conversation: ConversationId, range: Range, limit: usize) -> impl Answer<LogPage>;
    /// One entry.
    fn entry(&self, conversation: ConversationId, seq: Seq) -> impl Answer<Option<Entry>>;
}

/// Appends to conversation logs.
pub trait LogAppend: Send + Sync {
    /// Puts the entry on condition that its place is free.
    fn put(&self, conversation: ConversationId, entry: &Entry) -> impl Answer<Put>;
}

/// Reads inboxes.
pub trait InboxRead: Send + Sync {
    /// What `user` has of `conversation`.
    fn entry(&self, user: UserId, conversation: ConversationId) -> impl Answer<Option<InboxEntry>>;
    /// The states of the `conversation`'s entries of these users, in their order.
    fn states(&self, users: &[UserId], conversation: ConversationId) -> impl Answer<Vec<Option<HeadState>>>;
    /// Entries of `user` in key order, and whether there are more.
    fn page(&self, user: UserId, after: Option<ConversationId>, limit: usize) -> impl Answer<(Vec<InboxEntry>, bool)>;
}

/// Reads groups.
pub trait GroupRead: Send + Sync {
    /// The group and what else is wanted of it, all as of one moment between changes, but for
    /// [`State::people`](tidings_domain::group::change::State::people), which is not asked here.
    fn state(&self, group: GroupId, wanted: &Wanted) -> impl Answer<State>;
}

/// Reads the records of groups.
pub trait RecordRead: Send + Sync {
    /// These groups, in this order.
    fn groups(&self, groups: &[GroupId]) -> impl Answer<Vec<Option<Group>>>;
}

/// Reads who is in a group.
pub trait MemberRead: Send + Sync {
    /// All members, spread over so many buckets, in no order.
    fn members(&self, group: GroupId, buckets: u32) -> impl Answer<Vec<Member>>;
}

/// Reads who would like to be in a group.
pub trait AskingRead: Send + Sync {
    /// All requests and invitations, expired ones possibly included.
    fn asking(&self, group: GroupId) -> impl Answer<Vec<Asking>>;
}

/// Reads links that let people into a group.
pub trait LinkRead: Send + Sync {
    /// All of a group, such as are not good any more possibly included.
    fn links(&self, group: GroupId) -> impl Answer<Vec<Link>>;
}

/// Changes groups: entries and records in one transaction.
pub trait GroupCommit: Send + Sync {
    /// Puts the entries on condition that their places are free and makes the writes, all or nothing; whether it did.
    /// An error means that nobody knows.
    fn commit(&self, group: GroupId, entries: &[(ConversationId, Entry)], writes: &[Write]) -> impl Answer<bool>;
}

/// Which of somebody's contacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that are not gone.
    Present,
    /// Those that changed after this place in the owner's notices, gone ones included.
    ChangedAfter(Seq),
    /// Those whom the owner blocks.
    Blocked,
}

/// Reads what people have of each other.
pub trait ContactRead: Send + Sync {
    /// What two people have of each other, and whether `peer` has an account, as of one moment between changes.
    fn between(&self, owner: UserId, peer: UserId) -> impl Answer<contact::State>;
    /// Contacts of `owner`, ascending by peer, after this one, at most `limit`, and whether there are more.
    fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        which: Which,
        limit: usize,
    ) -> impl Answer<(Vec<Contact>, bool)>;
}

/// Changes what people have of each other: entries and records in one transaction.
pub trait ContactCommit: Send + Sync {
    /// Puts the entries on condition that their places are free and makes the writes, all or nothing; whether it did.
    /// An error means that nobody knows.
    fn commit(&self, entries: &[(ConversationId, Entry)], writes: &[contact::Write]) -> impl Answer<bool>;
}

/// Says what people are to each other.
pub trait RelationRead: Send + Sync {
    /// What `viewer` is to `owner`.
    fn relation(&self, owner: UserId, viewer: UserId) -> impl Answer<Relation>;
}

/// It is in the inboxes.
impl<I: InboxRead> RelationRead for I {
    async fn relation(&self, owner: UserId, viewer: UserId) -> Result<Relation, PortError> {
        let entry = self.entry(owner, ConversationId::direct(owner, viewer)).await?;
        Ok(entry.map(|entry| entry.door.peer).unwrap_or_default())
    }
}

/// Knows what people say of strangers.
pub trait StrangersRead: Send + Sync {
    /// Whether `user` takes messages of strangers; `None` if there is no such user.
    fn takes_strangers(&self, user: UserId) -> impl Answer<Option<bool>>;
}

/// Lets strangers write to somebody for the first time.
pub trait Introduce: StrangersRead {
    /// Writes into `user`'s entry of a direct conversation that strangers may write, creating it silent, on condition that
    /// they still take messages of strangers and that the peer is still one; whether it held.
    fn introduce(&self, user: UserId, conversation: ConversationId) -> impl Answer<bool>;
}

/// Takes back what [`Introduce`] wrote.
pub trait InboxForget: Send + Sync {
    /// From now on nobody knows whether strangers may write there: their next message asks the account.
    fn forget_strangers(&self, user: UserId, conversation: ConversationId) -> impl Answer<()>;
}

/// Opens inbox entries.
pub trait InboxOpen: Send + Sync {
    /// Sets `open` and version + 1, without condition, creating what is missing. Never a put: it must not undo what
    /// others wrote.
    fn open(&self, user: UserId, conversation: ConversationId) -> impl Answer<()>;
}

/// Settles inbox entries.
pub trait InboxSettle: Send + Sync {
    /// Sets `settling` and version + 1 on condition of this version; whether it held.
    fn mark(&self, user: UserId, conversation: ConversationId, version: u64) -> impl Answer<bool>;
    /// Stores the head and sets `settled` on condition of `settling` and this version; whether it held.
    fn settle(&self, user: UserId, conversation: ConversationId, version: u64, head: Head) -> impl Answer<bool>;
}

/// Moves read positions.
pub trait InboxAdvance: Send + Sync {
    /// Moves the read position to `position` if it is below, creating a missing entry; whether it moved, and where it
    /// stands now.
    fn advance(&self, user: UserId, conversation: ConversationId, position: ReadPosition) -> impl Answer<(bool, Seq)>;
}

/// Reads where devices are reached.
pub trait RouteRead: Send + Sync {
    /// All routes of a user, expired ones possibly included.
    fn of(&self, user: UserId) -> impl Answer<Vec<Route>>;
    /// The route of one device.
    fn get(&self, user: UserId, device: &DeviceId) -> impl Answer<Option<Route>>;
}

/// Writes where devices are reached.
pub trait RouteWrite: Send + Sync {
    /// Writes the route on condition that the device has used no ticket, or only older ones.
    fn claim(&self, route: &Route) -> impl Answer<Claim>;
    /// The same, and also where the route of this very ticket was released: for a connection that is known to be up.
    fn restore(&self, route: &Route) -> impl Answer<Claim>;
    /// Deletes the device's route on condition that it is this connection's; whether it was. That its ticket was used
    /// is remembered, and when it connected.
    fn release(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> impl Answer<bool>;
}

/// Notes that connections ended.
pub trait RouteLeave: Send + Sync {
    /// Releases the device's route on condition that it is this connection's, which was seen until `at`; whether it was.
    fn leave(&self, user: UserId, device: &DeviceId, connection: &ConnectionId, at: Timestamp) -> impl Answer<bool>;
}

/// Takes the right to connect from devices.
pub trait RouteRevoke: Send + Sync {
    /// Spends every ticket of the device that was issued up to then, and releases its route, which is returned. Where a
    /// later ticket was used nothing changes.
    fn revoke(&self, user: UserId, device: &DeviceId, upto: Timestamp) -> impl Answer<Option<Route>>;
}

/// Reads when devices were seen.
pub trait SightingRead: Send + Sync {
    /// All devices of a user that were seen within a month.
    fn sightings(&self, user: UserId) -> impl Answer<Vec<Sighting>>;
}

/// Reads who watches somebody.
pub trait WatcherRead: Send + Sync {
    /// Those who watch this person at `now`, at most [`tidings_domain::limits::WATCHERS_TOLD_MAX`]. Looks through
    /// [`tidings_domain::limits::WATCHERS_READ_MAX`] of those who do or did.
    fn watchers(&self, watched: UserId, now: Timestamp) -> impl Answer<Vec<Watcher>>;
}

/// Reads whom a device watches.
pub trait WatchRead: Send + Sync {
    /// Everybody whom this device watches, or did until lately.
    fn watched_by(&self, watcher: UserId, device: &DeviceId) -> impl Answer<Vec<UserId>>;
}

/// Writes who watches whom.
pub trait WatchWrite: Send + Sync {
    /// The device watches this person.
    fn watch(&self, watched: UserId, watcher: &Watcher) -> impl Answer<()>;
    /// It does not any more.
    fn unwatch(&self, watched: UserId, watcher: &Watcher) -> impl Answer<()>;
    /// These are all whom it watches.
    fn watches(&self, watcher: &Watcher, people: &[UserId]) -> impl Answer<()>;
}

/// Knows whom people show themselves to.
pub trait AudienceRead: Send + Sync {
    /// To whom the owner shows their presence, and what the viewer is to them.
    fn audience(&self, owner: UserId, viewer: UserId) -> impl Answer<(PresenceTo, Relation)>;
}

/// Speaks to open sockets.
pub trait Gateway: Send + Sync {
    /// Posts events to a connection, in as few frames as hold them. Never waits longer than a slow connection may
    /// hold up the others.
    fn post(&self, connection: &ConnectionId, events: &[Event]) -> impl Future<Output = Post> + Send;
    /// Closes a connection; one that is gone is closed.
    fn close(&self, connection: &ConnectionId) -> impl Answer<()>;
}

/// Queues events for everybody in a conversation.
pub trait FanOutQueue: Send + Sync {
    /// Hands the job to the queue of the conversation's shard.
    fn fan_out(&self, job: &FanOut) -> impl Answer<()>;
}

/// Queues events for connections that could not be reached.
pub trait RetryQueue: Send + Sync {
    /// Hands the job to the retry queue, to be delivered after [`Retry::delay_s`].
    fn retry(&self, job: &Retry) -> impl Answer<()>;
}

/// Queues requests that stopped half-way.
pub trait TaskQueue: Send + Sync {
    /// Hands the task to the task queue, to be delivered after [`tidings_domain::limits::FINISH_AFTER_S`].
    fn finish(&self, task: &Task) -> impl Answer<()>;
}
