//! What a run tells.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_domain::membership::Span;

use crate::conversation::{Conversation, Display, Sent};
use crate::verdict::{Kind, Verdict, Violation};

/// A content's fingerprint; good within one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(u64);

impl Digest {
    /// The fingerprint of this content.
    pub fn of(content: &(impl Hash + ?Sized)) -> Self {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// An entry as somebody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its place, from 1.
    pub seq: u64,
    /// Who wrote it.
    pub sender: UserId,
    /// What its sender called it.
    pub client_id: ClientId,
    /// What it says.
    pub digest: Digest,
    /// Everything else that it carries, such as times and counters. Its sender cannot know that, but all who see it
    /// must see the same.
    pub stamp: Digest,
}

/// A device that takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceKey(usize);

/// Who holds a transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// What is stored, fetched afresh.
    Server,
    /// What a device has.
    Device(DeviceKey),
}

/// A moment of the run, for what happened before what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(u64);

#[derive(Clone, Debug)]
struct Device {
    user: UserId,
    name: String,
    /// Its watcher missed something, so a conversation that is new to the watcher may be seen from anywhere on.
    missed: bool,
}

/// Everything that a run told.
#[derive(Clone, Debug, Default)]
pub struct History {
    ticks: u64,
    devices: Vec<Device>,
    pub(crate) conversations: HashMap<ConversationId, Conversation>,
    /// Every device promises to have what its user may see from the first entry on.
    whole: bool,
    /// What was seen to be wrong on the spot, and the numbers so far.
    pub(crate) found: Verdict,
}

impl History {
    /// From now on every device must have all that its user may see, from the first entry on: where it begins further up,
    /// it has jumped.
    pub fn expect_whole(&mut self) {
        self.whole = true;
    }

    /// A device takes part. From here on it must have whatever its user is a member of.
    pub fn device(&mut self, user: UserId, name: impl Into<String>) -> DeviceKey {
        self.devices.push(Device { user, name: name.into(), missed: false });
        DeviceKey(self.devices.len() - 1)
    }

    /// Now. Taken before a message is handed to its device: only what was acknowledged before that must come before.
    pub fn now(&mut self) -> Tick {
        self.ticks += 1;
        Tick(self.ticks)
    }

    /// A user sees this stretch of a conversation. For groups: who is a member of a direct conversation follows from
    /// its id.
    pub fn membership(&mut self, conversation: ConversationId, user: UserId, span: Span) {
        self.conversations.entry(conversation).or_default().spans.push((user, span));
    }

    /// A device was handed a message, the device's messages to one conversation in their order.
    pub fn sent(
        &mut self,
        device: DeviceKey,
        conversation: ConversationId,
        client_id: ClientId,
        digest: Digest,
        began: Tick,
    ) {
        self.found.sent += 1;
        let order = self.now();
        let sender = self.user(device);
        let message = self.conversations.entry(conversation).or_default().message(sender, client_id);
        message.sent = Some(Sent { device, digest, began, order });
    }

    /// A device learned that its message has this place.
    pub fn acknowledged(&mut self, device: DeviceKey, conversation: ConversationId, client_id: ClientId, seq: u64) {
        let now = self.now();
        let sender = self.user(device);
        let found = self.conversations.entry(conversation).or_default();
        found.head = found.head.max(seq);
        let message = found.message(sender, client_id);
        match message.acknowledged {
            None => {
                message.acknowledged = Some((seq, now));
                self.found.acknowledged += 1;
            }
            Some((first, _)) if first != seq => {
                let detail = format!("acknowledged at {first} before");
                let holder = Holder::Device(device);
                self.violated(Kind::TwoPlaces, conversation, holder, Some(seq), Some((sender, client_id)), detail);
            }
            Some(_) => {}
        }
    }

    /// A device learned that its message will never be in the log.
    pub fn refused(&mut self, device: DeviceKey, conversation: ConversationId, client_id: ClientId) {
        self.found.refused += 1;
        let sender = self.user(device);
        self.conversations.entry(conversation).or_default().message(sender, client_id).refused = true;
    }

    /// A device showed its user an entry: the next one of this conversation.
    pub fn shown(&mut self, device: DeviceKey, conversation: ConversationId, entry: Seen) {
        self.found.shown += 1;
        let display = self.display(device, conversation);
        let (last, may_skip) = (display.last, std::mem::take(&mut display.may_skip));
        display.last = last.max(entry.seq);
        let holder = Holder::Device(device);
        let about = Some((entry.sender, entry.client_id));
        if entry.seq <= last {
            let detail = format!("shown after {last} was");
            self.violated(Kind::Doubled, conversation, holder, Some(entry.seq), about, detail);
        } else if entry.seq > last + 1 && !may_skip {
            let detail = format!("shown right after {last}");
            self.violated(Kind::Hole, conversation, holder, Some(entry.seq), about, detail);
        }
        self.observed(holder, conversation, entry);
    }

    /// A device said that the next entry it shows is this one, because it does not hold what is below.
    pub fn jumped(&mut self, device: DeviceKey, conversation: ConversationId, to: u64) {
        self.found.jumps += 1;
        let display = self.display(device, conversation);
        let last = display.last;
        display.last = last.max(to.saturating_sub(1));
        if self.whole {
            let detail = format!("from {last}");
            self.violated(Kind::Jumped, conversation, Holder::Device(device), Some(to), None, detail);
        }
    }

    /// Whoever watched this device was too slow and missed some of what it showed.
    pub fn missed(&mut self, device: DeviceKey) {
        if let Some(device) = self.devices.get_mut(device.0) {
            device.missed = true;
        }
        for display in self.conversations.values_mut().filter_map(|it| it.displays.get_mut(&device)) {
            display.may_skip = true;
        }
    }

    /// The last entry of a conversation that a device showed; 0 if none.
    pub fn last_shown(&self, device: DeviceKey, conversation: ConversationId) -> u64 {
        self.conversations.get(&conversation).and_then(|found| found.displays.get(&device)).map_or(0, |it| it.last)
    }

    /// The highest place in a conversation that was acknowledged or seen; 0 if it is empty.
    pub fn head(&self, conversation: ConversationId) -> u64 {
        self.conversations.get(&conversation).map_or(0, |found| found.head)
    }

    /// What somebody holds of a conversation at the end: everything from `from` on.
    pub fn transcript(&mut self, holder: Holder, conversation: ConversationId, from: u64, entries: &[Seen]) {
        self.found.transcripts += 1;
        self.begins(holder, conversation, from);
        let mut met = HashMap::new();
        let mut next = from;
        for entry in entries {
            let about = Some((entry.sender, entry.client_id));
            if entry.seq < next {
                let detail = format!("{next} was to come");
                self.violated(Kind::Doubled, conversation, holder, Some(entry.seq), about, detail);
                continue;
            }
            if entry.seq > next {
                let detail = format!("{next} was to come");
                self.violated(Kind::Hole, conversation, holder, Some(entry.seq), about, detail);
            }
            next = entry.seq + 1;
            if let Some(first) = met.insert((entry.sender, entry.client_id), entry.seq) {
                let detail = format!("it is at {first}, too");
                self.violated(Kind::Doubled, conversation, holder, Some(entry.seq), about, detail);
            } else {
                self.observed(holder, conversation, *entry);
            }
        }
        let seqs = entries.iter().map(|entry| entry.seq).collect();
        self.conversations.entry(conversation).or_default().holds(holder, from, seqs);
    }

    /// A user has read everything up to here, on one of their devices.
    pub fn read(&mut self, device: DeviceKey, conversation: ConversationId, seq: u64) {
        let user = self.user(device);
        let read = self.conversations.entry(conversation).or_default().read.entry(user).or_default();
        *read = seq.max(*read);
    }

    /// How far a device's user has read, on whichever of their devices; 0 if nothing.
    pub fn read_up_to(&self, device: DeviceKey, conversation: ConversationId) -> u64 {
        let found = self.conversations.get(&conversation);
        found.and_then(|found| found.read.get(&self.user(device))).copied().unwrap_or(0)
    }

    /// At the end a device has its user's read position here.
    pub fn position(&mut self, device: DeviceKey, conversation: ConversationId, read_seq: u64) {
        self.conversations.entry(conversation).or_default().positions.push((device, read_seq));
    }

    /// A device says that so many messages of others stand between its user's read position and its last entry.
    pub fn unread(&mut self, device: DeviceKey, conversation: ConversationId, read_seq: u64, last: u64, unread: u64) {
        self.conversations.entry(conversation).or_default().unread.push((device, read_seq, last, unread));
    }

    /// The numbers so far, and what was seen to be wrong without waiting for the end.
    pub fn so_far(&self) -> &Verdict {
        &self.found
    }

    pub(crate) fn user(&self, device: DeviceKey) -> UserId {
        // A key comes from this history or from one with other devices; the latter is nobody.
        self.devices.get(device.0).map_or(UserId::from_bits(0), |device| device.user)
    }

    pub(crate) fn devices(&self) -> impl Iterator<Item = (DeviceKey, UserId)> {
        self.devices.iter().enumerate().map(|(index, device)| (DeviceKey(index), device.user))
    }

    /// How reports name a holder.
    pub(crate) fn name(&self, holder: Holder) -> String {
        match holder {
            Holder::Server => "the server".to_owned(),
            Holder::Device(key) => match self.devices.get(key.0) {
                Some(Device { user, name, .. }) => format!("{name} of {user}"),
                None => "an unknown device".to_owned(),
            },
        }
    }

    /// How far a device has shown a conversation.
    fn display(&mut self, device: DeviceKey, conversation: ConversationId) -> &mut Display {
        let may_skip = self.devices.get(device.0).is_some_and(|device| device.missed);
        let displays = &mut self.conversations.entry(conversation).or_default().displays;
        displays.entry(device).or_insert(Display { last: 0, may_skip })
    }

    /// A transcript begins here.
    fn begins(&mut self, holder: Holder, conversation: ConversationId, from: u64) {
        let Holder::Device(device) = holder else { return };
        let user = self.user(device);
        let below =
            self.conversations.entry(conversation).or_default().sees(conversation, user, from.saturating_sub(1));
        if self.whole && from > 1 && below {
            let detail = "its transcript begins here".to_owned();
            self.violated(Kind::Jumped, conversation, holder, Some(from), None, detail);
        }
    }

    /// Compares an entry with what others saw in its place.
    fn observed(&mut self, holder: Holder, conversation: ConversationId, entry: Seen) {
        let user = match holder {
            Holder::Server => None,
            Holder::Device(device) => Some(self.user(device)),
        };
        let found = self.conversations.entry(conversation).or_default();
        let about = Some((entry.sender, entry.client_id));
        let mut wrong = Vec::new();
        if user.is_some_and(|user| !found.sees(conversation, user, entry.seq)) {
            wrong.push((Kind::Leaked, "its user is no member here".to_owned(), None));
        }
        if let Some((kind, detail, other)) = found.observe(holder, entry) {
            wrong.push((kind, detail, other));
        }
        for (kind, detail, other) in wrong {
            let detail = other.map_or(detail.clone(), |other| format!("{detail} {}", self.name(other)));
            self.violated(kind, conversation, holder, Some(entry.seq), about, detail);
        }
    }

    fn violated(
        &mut self,
        kind: Kind,
        conversation: ConversationId,
        holder: Holder,
        seq: Option<u64>,
        message: Option<(UserId, ClientId)>,
        detail: String,
    ) {
        let holder = self.name(holder);
        self.found.add(Violation { kind, conversation, holder, seq, message, detail });
    }
}
