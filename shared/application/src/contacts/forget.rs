//! What follows when somebody changes whether they take messages of strangers.

use futures_util::future::try_join_all;
use tidings_domain::ids::{ConversationId, UserId};

use crate::error::PortError;
use crate::ports::{InboxForget, InboxRead};

/// Entries that are read at once: 100 of 200 bytes are five read units.
const PAGE: usize = 100;

/// Makes a person's inbox forget that strangers may write.
///
/// To be run after the account was written, and again by whoever repeats a request that may have died in between. An
/// introduction that comes later makes sure of the account in its own transaction, so none is missed: one that held before
/// the account was written is found here. What is forgotten is asked anew by the next message, whatever the setting is
/// then; so runs of this that overtake each other leave nothing that is wrong.
#[derive(Clone, Debug)]
pub struct ForgetStrangers<I> {
    /// The inboxes.
    pub inboxes: I,
}

impl<I: InboxRead + InboxForget> ForgetStrangers<I> {
    /// Walks the direct conversations of `user`.
    pub async fn run(&self, user: UserId) -> Result<(), PortError> {
        let mut after = None;
        loop {
            let (entries, more) = self.inboxes.page(user, after, PAGE).await?;
            // They come first in an inbox's order.
            let is_direct = |talk: ConversationId| matches!(talk, ConversationId::Direct(_));
            let told = entries.iter().filter(|entry| entry.door.strangers).map(|entry| entry.conversation);
            try_join_all(told.map(|talk| self.inboxes.forget_strangers(user, talk))).await?;
            after = entries.last().map(|entry| entry.conversation);
            if !more || !after.is_some_and(is_direct) {
                return Ok(());
            }
        }
    }
}
