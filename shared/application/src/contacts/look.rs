//! Somebody's contacts, and what changed of them.

use tidings_domain::contact::Contact;
use tidings_domain::ids::{ConversationId, UserId};
use tidings_domain::limits::{GONE_CONTACT_TTL_MS, SEARCH_MAX, SINCE_OVERLAP_MS};
use tidings_domain::log::{From, Seq};
use tidings_domain::time::Timestamp;

use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{ContactRead, LogRead, Which};

/// Reads contacts.
#[derive(Clone, Debug)]
pub struct LookAtContacts<L, S, C> {
    /// The logs, of which notices say up to where a list is complete.
    pub log: L,
    /// The contacts.
    pub contacts: S,
    /// The time.
    pub clock: C,
}

/// A page of contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactPage {
    /// Ascending by peer; as they count now.
    pub contacts: Vec<Contact>,
    /// Where the next page begins, if there is one.
    pub cursor: Option<UserId>,
    /// Every change up to here is in the list that begins with this page. It stays behind what was told in the last minute,
    /// so some of that comes again.
    pub version: Seq,
    /// Whether these are all contacts, and not what changed alone.
    pub whole: bool,
}

impl<L: LogRead, S: ContactRead, C: Clock> LookAtContacts<L, S, C> {
    /// What changed since that version, or everything if it is none, or too old for what is gone to be remembered.
    pub async fn list(
        &self,
        user: UserId,
        since: Option<Seq>,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<ContactPage, PortError> {
        let now = self.clock.now();
        let since = match since {
            Some(since) if self.is_recent(user, since, now).await? => Some(since),
            _ => None,
        };
        // The version comes first: what is told later is in the records, or comes with the next list.
        let version = self.complete(user, now).await?;
        let which = since.map_or(Which::Present, Which::ChangedAfter);
        let (contacts, cursor) = self.page(user, after, which, limit, now).await?;
        Ok(ContactPage { contacts, cursor, version, whole: since.is_none() })
    }

    /// Those whom `user` blocks, and where the next page begins.
    pub async fn blocked(
        &self,
        user: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<(Vec<Contact>, Option<UserId>), PortError> {
        self.page(user, after, Which::Blocked, limit, self.clock.now()).await
    }

    async fn page(
        &self,
        user: UserId,
        after: Option<UserId>,
        which: Which,
        limit: usize,
        now: Timestamp,
    ) -> Result<(Vec<Contact>, Option<UserId>), PortError> {
        let (contacts, more) = self.contacts.contacts(user, after, which, limit).await?;
        let cursor = contacts.last().map(|contact| contact.peer).filter(|_| more);
        let mut contacts: Vec<_> = contacts.into_iter().map(|contact| contact.at(now)).collect();
        if which == Which::Present {
            contacts.retain(|contact| !contact.is_gone());
        }
        Ok((contacts, cursor))
    }

    /// Whether everything that is gone since then is still remembered.
    async fn is_recent(&self, user: UserId, since: Seq, now: Timestamp) -> Result<bool, PortError> {
        let told = self.log.entry(ConversationId::Notices(user), since).await?;
        Ok(told.is_some_and(|told| now.millis_since(told.sent_at) < GONE_CONTACT_TTL_MS))
    }

    /// The last place in the notices that is old enough for all that was written with it to be seen: a transaction becomes
    /// visible item by item, and its entry may be the first.
    async fn complete(&self, user: UserId, now: Timestamp) -> Result<Seq, PortError> {
        let recent = now.minus_millis(SINCE_OVERLAP_MS);
        let tail = self.log.tail(ConversationId::Notices(user), From::Time(recent), SEARCH_MAX).await?;
        let first = tail.entries.iter().find(|entry| entry.sent_at >= recent).map(|entry| entry.seq.before());
        Ok(first.or(tail.entries.last().map(|entry| entry.seq)).unwrap_or(Seq::NONE))
    }
}
