//! Contacts in memory, over the log and the inboxes that their changes write as well.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tidings_application::error::PortError;
use tidings_application::ports::{ContactCommit, ContactRead, Introduce, StrangersRead, Which};
use tidings_domain::contact::Contact;
use tidings_domain::contact::change::{State, Write};
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::log::Entry;

use super::stores::{FakeInboxes, FakeLog, lock};

/// What people's accounts say of strangers. Whoever was not told of takes their messages.
#[derive(Clone, Debug, Default)]
pub struct FakePeople {
    /// The inboxes that strangers are introduced into.
    pub inboxes: FakeInboxes,
    accounts: Arc<Mutex<BTreeMap<UserId, Option<bool>>>>,
}

impl FakePeople {
    /// From now on `user` takes messages of strangers, or not; or has no account.
    pub fn says(&self, user: UserId, takes_strangers: Option<bool>) {
        lock(&self.accounts).insert(user, takes_strangers);
    }

    fn of(&self, user: UserId) -> Option<bool> {
        lock(&self.accounts).get(&user).copied().unwrap_or(Some(true))
    }
}

impl StrangersRead for FakePeople {
    async fn takes_strangers(&self, user: UserId) -> Result<Option<bool>, PortError> {
        Ok(self.of(user))
    }
}

impl Introduce for FakePeople {
    async fn introduce(&self, user: UserId, conversation: ConversationId) -> Result<bool, PortError> {
        Ok(self.of(user) == Some(true) && lock(&self.inboxes.0).introduce(user, conversation))
    }
}

/// Contacts in memory. Each call is atomic, over all tables.
#[derive(Clone, Debug, Default)]
pub struct FakeContacts {
    /// The logs that changes tell.
    pub log: FakeLog,
    /// Who there is, and the inboxes that say what they allow each other.
    pub people: FakePeople,
    rows: Arc<Mutex<BTreeMap<(UserId, UserId), Contact>>>,
}

impl ContactRead for FakeContacts {
    async fn between(&self, owner: UserId, peer: UserId) -> Result<State, PortError> {
        let rows = lock(&self.rows);
        let contact = |owner, peer| rows.get(&(owner, peer)).cloned();
        Ok(State { own: contact(owner, peer), theirs: contact(peer, owner), known: self.people.of(peer).is_some() })
    }

    async fn contacts(
        &self,
        owner: UserId,
        after: Option<UserId>,
        which: Which,
        limit: usize,
    ) -> Result<(Vec<Contact>, bool), PortError> {
        let wanted = |contact: &Contact| match which {
            Which::Present => !contact.is_gone(),
            Which::ChangedAfter(seq) => contact.version > seq,
            Which::Blocked => contact.blocked,
        };
        let rows = lock(&self.rows);
        let own = rows.iter().filter(|((of, peer), _)| *of == owner && after.is_none_or(|after| *peer > after));
        let mut page: Vec<_> = own.map(|(_, contact)| contact.clone()).filter(wanted).collect();
        let more = page.len() > limit;
        page.truncate(limit);
        Ok((page, more))
    }
}

impl ContactCommit for FakeContacts {
    async fn commit(&self, entries: &[(ConversationId, Entry)], writes: &[Write]) -> Result<bool, PortError> {
        let (mut log, mut inboxes, mut rows) = (lock(&self.log.0), lock(&self.people.inboxes.0), lock(&self.rows));
        if entries.iter().any(|(conversation, entry)| log.entry(*conversation, entry.seq).is_some()) {
            return Ok(false);
        }
        for (conversation, entry) in entries {
            log.put(*conversation, entry);
        }
        for write in writes.iter().cloned() {
            match write {
                Write::Contact(owner, contact) => drop(rows.insert((owner, contact.peer), contact)),
                Write::Door { owner, peer, relation } => {
                    inboxes.relate(owner, ConversationId::direct(owner, peer), relation);
                }
                Write::Notices(user) => inboxes.open(user, ConversationId::Notices(user)),
            }
        }
        Ok(true)
    }
}
