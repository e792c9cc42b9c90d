//! Who takes messages of whom, for everything that goes by it without being a message.

use futures_util::try_join;
use tidings_domain::contact::{DirectMessages, Door, Reception, Verdict};
use tidings_domain::ids::{ConversationId, UserId};

use crate::error::PortError;
use crate::ports::{InboxRead, StrangersRead};

/// What people allow each other.
#[derive(Clone, Debug)]
pub struct Doors<I, P> {
    /// The inboxes.
    pub inboxes: I,
    /// What people say of strangers.
    pub people: P,
    /// Who may write to whom.
    pub direct: DirectMessages,
}

impl<I: InboxRead, P: StrangersRead> Doors<I, P> {
    /// How `owner` takes `peer`.
    pub async fn reception(&self, owner: UserId, peer: UserId) -> Result<Reception, PortError> {
        let (door, strangers) = try_join!(self.door(owner, peer), self.people.takes_strangers(owner))?;
        Ok(self.direct.reception(door, strangers))
    }

    /// Whether `owner` would take a message of `peer`. Their account is read only where their inbox does not say.
    pub async fn welcomes(&self, owner: UserId, peer: UserId) -> Result<bool, PortError> {
        Ok(match self.direct.verdict(self.door(owner, peer).await?) {
            Verdict::Welcome => true,
            Verdict::Unwelcome => false,
            Verdict::Ask => self.people.takes_strangers(owner).await? == Some(true),
        })
    }

    async fn door(&self, owner: UserId, peer: UserId) -> Result<Door, PortError> {
        let entry = self.inboxes.entry(owner, ConversationId::direct(owner, peer)).await?;
        Ok(entry.map(|entry| entry.door).unwrap_or_default())
    }
}
