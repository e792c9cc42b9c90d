//! One conversation as this device knows it, without any I/O (HINT-1).
//!
//! Whatever arrives, in whatever order and however often, entries are applied exactly once and in their order:
//! `seq == last + 1` is applied, what is older is ignored, what is newer waits until the gap is closed.

use std::collections::{BTreeMap, VecDeque};

use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_domain::log::{Counts, Kind};
use tidings_protocol::Text;
use tidings_protocol::actions::{HistoryReply, SyncedConversation};
use tidings_protocol::body::Body;
use tidings_protocol::entry::{Entry, EntryKind};
use tidings_protocol::news::News;

/// So many entries above a gap are kept at most; the pull that closes the gap brings the others again.
const WAITING_MAX: usize = 1_000;

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// The lowest entry of the unbroken run that this device holds.
    pub(crate) base: u64,
    /// The last applied entry: the end of that run.
    pub(crate) last: u64,
    /// The lowest entry that the server still gives.
    pub(crate) floor: u64,
    /// Counters of the last applied entry; unknown after a jump.
    pub(crate) counts: Option<Counts>,
    /// Everything up to here I have read. Ahead of `last` when another device was faster.
    pub(crate) read_seq: u64,
    /// The read position that the server is known to have.
    pub(crate) told_seq: u64,
    /// Everything up to here the other person of a direct conversation has read.
    pub(crate) peer_read_seq: u64,
    /// Unread messages below `base`. What is held here is counted here.
    pub(crate) below: Below,
    /// Of a group that I am no member of any more.
    pub(crate) left: bool,
}

/// How many unread messages lie below what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Below {
    /// Never more than these.
    pub(crate) at_most: u64,
    /// Whether it is this number; otherwise a sync tells.
    pub(crate) exact: bool,
}

impl Below {
    /// Everything unread is held.
    pub(crate) const NONE: Self = Self { at_most: 0, exact: true };

    /// As many as before, or fewer: nobody here knows.
    const fn at_most(at_most: u64) -> Self {
        Self { at_most, exact: at_most == 0 }
    }
}

/// My own message, acknowledged: an entry but for the counters, which follow from its predecessor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Own {
    pub(crate) seq: u64,
    pub(crate) client_id: ClientId,
    pub(crate) sent_at: u64,
    pub(crate) body: Body,
}

/// What a step changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Entries to show, in order, each for the first and only time.
    pub(crate) applied: Vec<Entry>,
    /// Entries that were applied before and have a higher `rev` now.
    pub(crate) changed: Vec<Entry>,
    /// Entries below this one were passed over.
    pub(crate) jumped: Option<u64>,
}

/// What has to be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Need {
    /// So many entries right above `after`.
    After { after: u64, limit: u64 },
    /// The newest page.
    Newest,
}

#[derive(Clone, Debug)]
enum Waiting {
    Entry(Entry),
    Own(Own),
}

/// The state of one conversation.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    conversation: ConversationId,
    me: UserId,
    at: Position,
    /// The highest seq known to exist.
    known: u64,
    /// What came too early.
    waiting: BTreeMap<u64, Waiting>,
    /// Begin with the newest page instead of the first entry.
    newest: bool,
    /// Seqs of the unread messages that are held, ascending.
    unread: VecDeque<u64>,
    /// What the last sync counted above the present read position. Settled when its head is applied.
    counted: Option<Counted>,
    /// The server was asked to count, and has no reason yet to answer otherwise than it did.
    asked: bool,
    /// The read position and the unread messages that the user was told last.
    announced: (u64, u64),
}

/// What is unread at a head that may not be here yet.
#[derive(Clone, Copy, Debug)]
struct Counted {
    head: u64,
    unread: u64,
}

impl Timeline {
    /// A conversation of which nothing is known yet.
    pub(crate) fn new(conversation: ConversationId, me: UserId) -> Self {
        let position = Position {
            base: 1,
            last: 0,
            floor: 1,
            counts: Some(Counts::zero(conversation)),
            read_seq: 0,
            told_seq: 0,
            peer_read_seq: 0,
            below: Below::NONE,
            left: false,
        };
        Self::restore(conversation, me, position, VecDeque::new())
    }

    /// A conversation as it was stored, with the seqs of the unread messages in its run, ascending.
    pub(crate) fn restore(conversation: ConversationId, me: UserId, at: Position, unread: VecDeque<u64>) -> Self {
        let announced = (at.read_seq, at.below.at_most.saturating_add(unread.len() as u64));
        let (known, waiting) = (at.last, BTreeMap::new());
        let (newest, counted, asked) = (false, None, false);
        Self { conversation, me, at, known, waiting, newest, unread, counted, asked, announced }
    }

    /// What has to be stored.
    pub(crate) const fn position(&self) -> &Position {
        &self.at
    }

    /// The highest seq that is known to exist: what a new message states as `after`.
    pub(crate) const fn known(&self) -> u64 {
        self.known
    }

    /// Messages of others above my read position: up to the last entry, or up to the head that the last sync named
    /// while that is still on its way. Never too few; too many only while it is [`Self::uncounted`].
    pub(crate) fn unread(&self) -> u64 {
        match self.counted {
            Some(counted) => counted.unread,
            None => self.at.below.at_most.saturating_add(self.unread.len() as u64),
        }
    }

    /// Whether nobody has said yet how many unread messages lie below what is held. A sync tells.
    pub(crate) const fn uncounted(&self) -> bool {
        !self.at.below.exact && self.counted.is_none()
    }

    /// Whether to ask the server to count: once it knows how far I have read, and then not again until that changes.
    pub(crate) const fn ask_count(&mut self) -> bool {
        let ask = self.uncounted() && self.at.told_seq >= self.at.read_seq && !self.asked;
        self.asked |= ask;
        ask
    }

    /// The read position and the number of unread messages, if that is news.
    pub(crate) fn take_news(&mut self) -> Option<(u64, u64)> {
        let now = (self.at.read_seq, self.unread());
        (now != std::mem::replace(&mut self.announced, now)).then_some(now)
    }

    /// Whether something must be pulled to show everything that is known to exist.
    pub(crate) fn need(&self) -> Option<Need> {
        if self.at.last >= self.known {
            return None;
        }
        if self.newest {
            return Some(Need::Newest);
        }
        let after = self.at.last;
        let until = self.waiting.keys().next().map_or(self.known, |first| first - 1);
        // An own message right above an entry whose counters are unknown waits although there is no gap.
        Some(Need::After { after, limit: until.saturating_sub(after).max(1) })
    }

    /// An entry was pushed, or came with a sync.
    pub(crate) fn offer(&mut self, entry: Entry) -> Step {
        let mut step = Step::default();
        self.take(entry, &mut step);
        self.drain(&mut step);
        step
    }

    /// An entry is known to exist.
    pub(crate) fn exists(&mut self, seq: u64) {
        self.known = self.known.max(seq);
    }

    /// My own message has its place.
    pub(crate) fn acknowledged(&mut self, own: Own) -> Step {
        let mut step = Step::default();
        self.exists(own.seq);
        if own.seq > self.at.last {
            self.waiting.entry(own.seq).or_insert(Waiting::Own(own));
        }
        self.drain(&mut step);
        step
    }

    /// A sync named this conversation.
    pub(crate) fn synced(&mut self, synced: &SyncedConversation, first_page: u64) -> Step {
        let mut step = Step::default();
        self.exists(synced.head_seq);
        self.membership_told(synced);
        self.at.floor = synced.floor;
        self.begin_at(synced.floor, &mut step);
        self.told(synced.read_seq);
        self.read(synced.read_seq);
        if synced.read_seq == self.at.read_seq {
            self.counted = Some(Counted { head: synced.head_seq, unread: synced.unread });
        }
        if self.nothing_held() && synced.head_seq - self.at.last.min(synced.head_seq) > first_page {
            match synced.entries.first() {
                Some(first) => self.jump(first.seq - 1, &mut step),
                None => self.newest = true,
            }
        }
        self.settle_count();
        for entry in &synced.entries {
            self.take(entry.clone(), &mut step);
        }
        self.drain(&mut step);
        step
    }

    /// A page that was asked for arrived.
    pub(crate) fn page(&mut self, asked: Need, page: HistoryReply) -> Step {
        let mut step = Step::default();
        if page.entries.is_empty() && !page.more && self.need() == Some(asked) {
            // There is nothing more for me: I was removed, and what I heard of came after.
            self.give_up();
        }
        // After an entry it is where the next stretch begins that I see: what lies below I may still see.
        if asked == Need::Newest {
            self.at.floor = page.floor;
        }
        self.begin_at(page.floor, &mut step);
        if let (Need::Newest, Some(first)) = (asked, page.entries.first())
            && self.nothing_held()
        {
            self.jump(first.seq - 1, &mut step);
        }
        for entry in page.entries {
            self.take(entry, &mut step);
        }
        self.drain(&mut step);
        step
    }

    /// The server does not let me have what is missing. If that changes, a sync or a push will tell.
    pub(crate) fn give_up(&mut self) {
        self.known = self.at.last;
        self.waiting.clear();
        self.newest = false;
        self.counted = None;
        // A sync would bring it here again.
        self.asked = true;
    }

    /// Older entries arrived on demand. Returns those that extend the run downwards; the others are not kept.
    pub(crate) fn older(&mut self, mut entries: Vec<Entry>) -> Vec<Entry> {
        entries.retain(|entry| entry.seq < self.at.base);
        let dense = entries.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq);
        match (entries.first(), entries.last()) {
            (Some(first), Some(last)) if dense && last.seq + 1 == self.at.base => {
                self.at.base = first.seq;
                let (read, me) = (self.at.read_seq, self.me);
                let held = self.unread.len();
                for entry in entries.iter().rev() {
                    if entry.seq > read && to_read(&entry.sender, entry.kind, me) {
                        self.unread.push_front(entry.seq);
                    }
                }
                let found = (self.unread.len() - held) as u64;
                let below = self.at.below;
                self.at.below = self.bounded(Below { at_most: below.at_most.saturating_sub(found), ..below });
                entries
            }
            _ => Vec::new(),
        }
    }

    /// I have read up to `seq`, here or on another device. Answers whether the position moved; it never moves back
    /// (MONO-1).
    pub(crate) fn read(&mut self, seq: u64) -> bool {
        if seq <= self.at.read_seq {
            return false;
        }
        let all_between_held = self.all_held_above(self.at.read_seq) && seq <= self.at.last;
        let read = self.unread_up_to(seq);
        self.unread.drain(..read);
        self.counted = match self.counted {
            Some(Counted { head, unread }) if all_between_held => {
                Some(Counted { head, unread: unread.saturating_sub(read as u64) })
            }
            _ => None,
        };
        self.at.read_seq = seq;
        self.at.below = self.bounded(Below::at_most(self.at.below.at_most));
        true
    }

    /// The server is known to have my read position up to `seq`.
    pub(crate) fn told(&mut self, seq: u64) {
        if seq > self.at.told_seq {
            self.at.told_seq = seq;
            self.asked = false;
        }
    }

    /// The other person has read up to `seq`. Answers whether that is news.
    pub(crate) fn peer_read(&mut self, seq: u64) -> bool {
        let news = seq > self.at.peer_read_seq;
        self.at.peer_read_seq = self.at.peer_read_seq.max(seq);
        news
    }

    /// Whether nothing between this entry and the run is missing.
    const fn all_held_above(&self, seq: u64) -> bool {
        self.at.base <= seq.saturating_add(1)
    }

    /// With no more unread messages below the run than there is room for between it and the read position.
    fn bounded(&self, below: Below) -> Below {
        let room = self.at.base.saturating_sub(self.at.read_seq.saturating_add(1));
        let at_most = below.at_most.min(room);
        Below { at_most, exact: at_most == 0 || (below.exact && at_most == below.at_most) }
    }

    /// How many unread messages are held up to this entry.
    fn unread_up_to(&self, seq: u64) -> usize {
        self.unread.partition_point(|unread| *unread <= seq)
    }

    const fn nothing_held(&self) -> bool {
        self.at.base > self.at.last
    }

    /// Sorts an entry in: changed if it was applied before, waiting otherwise.
    fn take(&mut self, entry: Entry, step: &mut Step) {
        self.exists(entry.seq);
        if entry.seq <= self.at.last {
            if entry.rev > 0 && entry.seq >= self.at.base {
                step.changed.push(entry);
            }
            return;
        }
        let newer = match self.waiting.get(&entry.seq) {
            Some(Waiting::Entry(there)) => entry.rev > there.rev,
            Some(Waiting::Own(_)) | None => true,
        };
        if newer {
            self.waiting.insert(entry.seq, Waiting::Entry(entry));
        }
    }

    /// Applies what is next for as long as it is there.
    fn drain(&mut self, step: &mut Step) {
        while let Some(waiting) = self.waiting.remove(&(self.at.last + 1)) {
            match waiting {
                Waiting::Entry(entry) => self.apply(entry, step),
                Waiting::Own(own) => {
                    let Some(entry) = self.complete(&own) else {
                        self.waiting.insert(own.seq, Waiting::Own(own));
                        break;
                    };
                    self.apply(entry, step);
                }
            }
        }
        while self.waiting.len() > WAITING_MAX {
            self.waiting.pop_last();
        }
        if !self.nothing_held() {
            self.newest = false;
        }
    }

    fn complete(&self, own: &Own) -> Option<Entry> {
        let counts = self.at.counts?.followed_by(Kind::Message, self.conversation, self.me);
        Some(Entry {
            seq: own.seq,
            sender: Text(self.me),
            client_id: Text(own.client_id),
            sent_at: own.sent_at,
            kind: EntryKind::Message,
            body: own.body.clone(),
            rev: 0,
            counts: counts.numbers(),
            expires_at: None,
        })
    }

    fn apply(&mut self, entry: Entry, step: &mut Step) {
        self.at.last = entry.seq;
        self.at.counts = Counts::of(self.conversation, &entry.counts);
        if entry.seq > self.at.read_seq && to_read(&entry.sender, entry.kind, self.me) {
            self.unread.push_back(entry.seq);
        }
        if let Body::News(news) = &entry.body {
            self.member_after(news);
        }
        self.settle_count();
        step.applied.push(entry);
    }

    /// What the last entry says of my membership. Whoever joins has read what came before: the server says so, too.
    fn member_after(&mut self, news: &News) {
        let Some(left) = left_after(news, self.me) else { return };
        self.at.left = left;
        if !left {
            self.told(self.at.last);
            self.read(self.at.last);
        }
    }

    /// What a sync says of my membership, unless it is older than what is here.
    fn membership_told(&mut self, synced: &SyncedConversation) {
        if synced.head_seq < self.at.last {
            return;
        }
        self.at.left = synced.left;
        if synced.left {
            // Nothing comes after it.
            self.known = synced.head_seq;
            self.waiting.retain(|seq, _| *seq <= synced.head_seq);
        }
    }

    /// With its head here, what sync counted tells how many unread messages lie below what is held.
    fn settle_count(&mut self) {
        let Some(Counted { head, unread }) = self.counted else { return };
        if self.at.last < head {
            return;
        }
        self.counted = None;
        if !self.all_held_above(self.at.read_seq) && self.all_held_above(head) {
            let held = self.unread_up_to(head) as u64;
            self.at.below = Below { at_most: unread.saturating_sub(held), exact: true };
            self.asked = false;
        }
    }

    /// Nothing is to be had between what is here and this place.
    fn begin_at(&mut self, floor: u64, step: &mut Step) {
        if floor > self.at.last + 1 {
            self.jump(floor - 1, step);
        }
    }

    /// Passes over everything up to `to`. What is held below stays in the store, but is no part of the run.
    fn jump(&mut self, to: u64, step: &mut Step) {
        if to <= self.at.last {
            return;
        }
        let passed = self.unread.len() as u64 + (to - self.at.last);
        let below = Below::at_most(self.at.below.at_most.saturating_add(passed));
        self.at.last = to;
        self.at.base = to.saturating_add(1);
        self.at.counts = None;
        self.unread.clear();
        self.at.below = self.bounded(below);
        self.asked = false;
        self.settle_count();
        self.known = self.known.max(to);
        self.waiting = self.waiting.split_off(&(to + 1));
        step.jumped = Some(to + 1);
    }
}

/// Whether `me` is outside after such news of a group; `None` if it is not about that.
fn left_after(news: &News, me: UserId) -> Option<bool> {
    match news {
        News::MemberLeft { user } | News::MemberRemoved { user } if user.0 == me => Some(true),
        News::MemberJoined { user, .. } if user.0 == me => Some(false),
        _ => None,
    }
}

/// Whether an entry is a message that `me` has to read. One of a kind that this version does not know is none: it
/// could not be shown.
pub(crate) fn to_read(sender: &Text<UserId>, kind: EntryKind, me: UserId) -> bool {
    sender.0 != me && matches!(kind, EntryKind::Message)
}

#[cfg(test)]
#[path = "timeline_tests.rs"]
mod tests;
