//! Sync: one page of what a device needs after it was away.
//!
//! The route first, then the inbox, then the logs, all strongly consistent: a message that was made visible before
//! is in the page, and the writer of a later one sees the route (MEET-1). Of groups the inbox is read once more after the
//! logs: what was appended after somebody was removed is cut off (SEE-1).

use crate::ids::{ConnectionId, ConversationId, UserId};
use crate::inbox::{HeadState, InboxEntry};
use crate::limits::{SETTLE_MAX, SYNC_ENTRIES};
use crate::log::{Entry, Head};
use crate::membership::{self, Spans};
use crate::protocol::{self, Protocol};
use crate::route::{Claim, Route};
use crate::settle;
use crate::time::Timestamp;

/// Which page of whose inbox.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Whose.
    pub user: UserId,
    /// Over the socket: where the device is reached. A missing route is written again. Over HTTP there is none.
    pub route: Option<Route>,
    /// The last conversation of the page before.
    pub cursor: Option<ConversationId>,
    /// Settled conversations with a head from this time on come with entries too.
    pub since: Option<Timestamp>,
    /// Conversations per page at most.
    pub conversations: usize,
}

/// The next call. All reads are strongly consistent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Read the device's route.
    ReadRoute,
    /// Write the route again: as `$connect` does, or where this ticket's route was deleted.
    Restore(Route),
    /// Close this connection: the device has a later one.
    Close(ConnectionId),
    /// Read inbox entries in key order.
    ReadInbox {
        /// Begin after this one.
        after: Option<ConversationId>,
        /// So many at most.
        limit: usize,
    },
    /// Read the newest entries of these logs, in any order, in parallel.
    ReadNewest {
        /// Which logs.
        conversations: Vec<ConversationId>,
        /// How many entries of each.
        entries: usize,
    },
    /// Read these inbox entries again.
    ReadAgain(Vec<ConversationId>),
}

/// What it showed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seen {
    /// Of [`Call::ReadRoute`].
    Route(Option<Route>),
    /// Of [`Call::Restore`].
    Restored(Claim),
    /// Of [`Call::Close`], whatever came of it: without a route it is deaf anyway, and ends at the gateway's limit.
    Closed,
    /// Of [`Call::ReadInbox`]: ascending, and whether there are more.
    Inbox(Vec<InboxEntry>, bool),
    /// Of [`Call::ReadNewest`]: for each conversation asked, in that order, its newest entries, ascending.
    Newest(Vec<Vec<Entry>>),
    /// Of [`Call::ReadAgain`], in the order asked.
    Again(Vec<Option<InboxEntry>>),
    /// The call failed.
    Failed,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The page.
    Page(Page),
    /// The device has connected elsewhere with a later ticket: this connection is abandoned.
    Replaced,
    /// Try again.
    Unavailable,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    /// Ascending by conversation.
    pub conversations: Vec<Conversation>,
    /// Where the next page begins, if there is one. Not the last of these when the last was not visible.
    pub cursor: Option<ConversationId>,
    /// Entries that are due for settling, at most [`SETTLE_MAX`].
    pub settle: Vec<InboxEntry>,
}

/// One conversation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conversation {
    /// What the inbox holds.
    pub inbox: InboxEntry,
    /// The exact head.
    pub head: Head,
    /// Messages of others that are not read.
    pub unread: u64,
    /// What the user sees of it.
    pub spans: Spans,
    /// The newest entries up to the head, ascending; none for a settled conversation that did not change.
    pub entries: Vec<Entry>,
}

/// What to do next.
pub type Step = protocol::Step<Call, Answer>;

/// The protocol of one page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sync {
    request: Request,
    inbox: Vec<InboxEntry>,
    asked: Vec<ConversationId>,
    /// What was read of these logs.
    newest: Vec<Vec<Entry>>,
    more: bool,
}

impl Sync {
    /// Begins with the route, or without one with the inbox.
    pub fn start(request: Request) -> (Self, Step) {
        let sync = Self { request, inbox: Vec::new(), asked: Vec::new(), newest: Vec::new(), more: false };
        let step = if sync.request.route.is_some() { Step::Call(Call::ReadRoute) } else { sync.read_inbox() };
        (sync, step)
    }

    fn read_inbox(&self) -> Step {
        Step::Call(Call::ReadInbox { after: self.request.cursor, limit: self.request.conversations })
    }

    fn needs_log(&self, entry: &InboxEntry) -> bool {
        entry.state != HeadState::Settled || self.request.since.is_some_and(|since| entry.head.at >= since)
    }

    /// The groups of which there is something to be shown.
    fn permissions(&self) -> Vec<ConversationId> {
        let read = self.asked.iter().zip(&self.newest);
        read.filter(|(talk, entries)| membership::is_in_inbox(**talk) && !entries.is_empty())
            .map(|(talk, _)| *talk)
            .collect()
    }

    fn page(&self, now: Timestamp) -> Step {
        let user = self.request.user;
        let conversation = |inbox: &InboxEntry| {
            let asked = self.asked.iter().position(|asked| *asked == inbox.conversation);
            let entries = asked.and_then(|index| self.newest.get(index)).cloned().unwrap_or_default();
            let spans = membership::spans(inbox.conversation, user, Some(inbox))?;
            // A settled head is exact by itself, and only an empty log has no newest entry. The stored head of whoever
            // left is the last entry that they see.
            let head = entries.last().filter(|_| spans.current().is_some()).map_or(inbox.head, Entry::head);
            let unread = inbox.unread(user, &head, &entries);
            let entries = entries.into_iter().filter(|entry| spans.shows(entry.seq)).collect();
            Some(Conversation { inbox: inbox.clone(), head, unread, spans, entries })
        };
        let said = self.inbox.iter().filter(|entry| !entry.is_silent());
        let conversations: Vec<_> = said.filter_map(conversation).collect();
        let due = conversations.iter().filter(|it| settle::is_due(&it.inbox, &it.head, now)).map(|it| it.inbox.clone());
        let settle = due.take(SETTLE_MAX).collect();
        let last = self.inbox.last().map(|last| last.conversation);
        Step::Done(Answer::Page(Page { conversations, cursor: last.filter(|_| self.more), settle }))
    }
}

impl Protocol for Sync {
    type Call = Call;
    type Seen = Seen;
    type Answer = Answer;
    const FAILED: Seen = Seen::Failed;

    fn next(&mut self, seen: Seen, now: Timestamp) -> Step {
        let own = self.request.route.as_ref();
        match seen {
            Seen::Route(Some(route)) if own.is_some_and(|own| own.connection == route.connection) => self.read_inbox(),
            // Missing, or another connection's: the condition of the claim decides which of the two is later.
            Seen::Route(_) => match own {
                Some(own) => Step::Call(Call::Restore(own.clone())),
                None => self.read_inbox(),
            },
            Seen::Restored(Claim::Won(_)) => self.read_inbox(),
            Seen::Restored(Claim::Lost(Some(route))) if own.is_some_and(|own| own.connection == route.connection) => {
                self.read_inbox()
            }
            Seen::Restored(Claim::Lost(_)) => match own {
                Some(own) => Step::Call(Call::Close(own.connection.clone())),
                None => Step::Done(Answer::Replaced),
            },
            Seen::Closed => Step::Done(Answer::Replaced),
            Seen::Inbox(inbox, more) => {
                (self.inbox, self.more) = (inbox, more);
                self.asked =
                    self.inbox.iter().filter(|entry| self.needs_log(entry)).map(|entry| entry.conversation).collect();
                if self.asked.is_empty() {
                    return self.page(now);
                }
                Step::Call(Call::ReadNewest { conversations: self.asked.clone(), entries: SYNC_ENTRIES })
            }
            Seen::Newest(newest) => {
                self.newest = newest;
                match self.permissions() {
                    groups if groups.is_empty() => self.page(now),
                    groups => Step::Call(Call::ReadAgain(groups)),
                }
            }
            Seen::Again(entries) => {
                for entry in entries.into_iter().flatten() {
                    let before = self.inbox.iter_mut().find(|it| it.conversation == entry.conversation);
                    match before {
                        Some(before) if entry.spans.current().is_none() => *before = entry,
                        // The rest must stay older than what was read of the log: it is what settling rests on.
                        Some(before) => before.spans = entry.spans,
                        None => {}
                    }
                }
                self.page(now)
            }
            Seen::Failed => Step::Done(Answer::Unavailable),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Platform;
    use crate::ids::ClientId;
    use crate::log::{Body, BodyHash, Draft, Seq};

    fn route(connection: &str) -> Route {
        Route {
            user: UserId::from_bits(1),
            device: "laptop".parse().unwrap(),
            platform: Platform::Web,
            connection: ConnectionId::new(connection),
            ticket_at: Timestamp::EPOCH,
            connected_at: Timestamp::EPOCH,
        }
    }

    /// SEE-1: between the inbox and the logs somebody was removed, and others went on.
    #[test]
    fn what_came_after_a_removal_is_cut_off() {
        let group = ConversationId::Group(crate::ids::GroupId::from_bits(7));
        let now = Timestamp::EPOCH;
        let member = InboxEntry { spans: Spans::default().joined(Seq::new(1)), ..InboxEntry::new(group) };
        let removed = InboxEntry { spans: member.spans.clone().left(Seq::new(2)), ..member.clone() };
        let mut log: Vec<Entry> = Vec::new();
        for number in 1..=3 {
            let body = Body { json: "{}".to_owned(), hash: BodyHash::new([0; 32]) };
            let draft = Draft { client_id: ClientId::from_bits(number), body };
            log.push(draft.follow(log.last(), group, UserId::from_bits(2), now));
        }
        for (later, shown) in [(member.clone(), 3), (removed, 2)] {
            let (mut sync, _) = start(None);
            sync.next(Seen::Inbox(vec![member.clone()], false), now);
            let again = sync.next(Seen::Newest(vec![log.clone()]), now);
            assert_eq!(again, Step::Call(Call::ReadAgain(vec![group])));
            let Step::Done(Answer::Page(page)) = sync.next(Seen::Again(vec![Some(later)]), now) else { panic!() };
            assert_eq!(page.conversations[0].entries.len(), shown);
        }
    }

    fn start(route: Option<Route>) -> (Sync, Step) {
        let user = UserId::from_bits(1);
        Sync::start(Request { user, route, cursor: None, since: None, conversations: 50 })
    }

    /// MEET-1: were the inbox read first, a message in between would find no route and be in no page.
    #[test]
    fn the_route_comes_before_the_inbox_and_the_inbox_before_the_logs() {
        let conversation = ConversationId::direct(UserId::from_bits(1), UserId::from_bits(2));
        let open = InboxEntry { version: 1, ..InboxEntry::new(conversation) };
        let inbox = Step::Call(Call::ReadInbox { after: None, limit: 50 });

        let (mut sync, step) = start(Some(route("mine")));
        assert_eq!(step, Step::Call(Call::ReadRoute));
        let now = Timestamp::EPOCH;
        assert_eq!(sync.next(Seen::Route(None), now), Step::Call(Call::Restore(route("mine"))));
        assert_eq!(sync.next(Seen::Restored(Claim::Won(None)), now), inbox);
        let newest = Call::ReadNewest { conversations: vec![conversation], entries: SYNC_ENTRIES };
        assert_eq!(sync.next(Seen::Inbox(vec![open], false), now), Step::Call(newest));
        assert!(matches!(sync.next(Seen::Newest(vec![Vec::new()]), now), Step::Done(Answer::Page(_))));

        let (mut sync, _) = start(Some(route("mine")));
        assert_eq!(sync.next(Seen::Route(Some(route("mine"))), now), inbox);
        let (mut sync, _) = start(Some(route("mine")));
        assert_eq!(sync.next(Seen::Route(Some(route("newer"))), now), Step::Call(Call::Restore(route("mine"))));
        let lost = Seen::Restored(Claim::Lost(Some(route("newer"))));
        assert_eq!(sync.next(lost, now), Step::Call(Call::Close(ConnectionId::new("mine"))));
        assert_eq!(sync.next(Seen::Closed, now), Step::Done(Answer::Replaced));
        assert_eq!(start(None).1, inbox, "over HTTP there is no connection");
    }
}
