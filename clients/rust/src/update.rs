//! What a client tells its user, in the order in which it happened.

use std::sync::Arc;
use std::time::Duration;

use tidings_domain::ids::{ClientId, ConversationId, UserId};
use tidings_protocol::actions::Sent;
use tidings_protocol::entry::Entry;
use tidings_protocol::error::ErrorBody;
use tidings_protocol::event::KickReason;
use tidings_protocol::limits::TYPING_EVERY_MS;
use tokio::sync::{broadcast, watch};

/// How long it counts that somebody was told to write: twice as long as it takes those who do to say it anew.
pub const TYPING_FOR: Duration = Duration::from_millis(2 * TYPING_EVERY_MS);

/// Something changed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Update {
    /// The connection.
    Connection(ConnectionState),
    /// The next entry of a conversation. Within a conversation entries come once each and in their order.
    Entry {
        /// Where.
        conversation: ConversationId,
        /// What.
        entry: Entry,
    },
    /// An entry that was already here has a new content.
    Changed {
        /// Where.
        conversation: ConversationId,
        /// Its present state.
        entry: Entry,
    },
    /// Entries below this seq are not on this device; the next entry of the conversation is this one. They come on
    /// demand, or are gone.
    Jumped {
        /// Where.
        conversation: ConversationId,
        /// The next entry.
        to: u64,
    },
    /// Another member is known to have read up to here.
    Read {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Everything up to here.
        seq: u64,
    },
    /// My own position, or what is unread above it.
    Unread {
        /// Where.
        conversation: ConversationId,
        /// Everything up to here I have read.
        read_seq: u64,
        /// Messages of others above it.
        unread: u64,
    },
    /// This device was signed out elsewhere. It stays offline; [`ConnectionState::SignedOut`] follows.
    Kicked {
        /// Why.
        reason: KickReason,
    },
    /// Somebody whom this device watches came or went ([`crate::Client::presence_watch`]).
    Presence {
        /// Who.
        user: UserId,
        /// Whether they are online.
        online: bool,
        /// If not, when they last were, in milliseconds since the Unix epoch, if they show it.
        last_seen: Option<u64>,
    },
    /// Somebody writes, or has stopped to. Forget it after [`TYPING_FOR`].
    Typing {
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// Whether they write.
        typing: bool,
    },
    /// A message of this device on its way.
    Message {
        /// Where.
        conversation: ConversationId,
        /// Which.
        client_id: ClientId,
        /// How far it is.
        state: MessageState,
    },
}

/// How far the connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Asking for a ticket and opening the socket.
    Connecting,
    /// The socket is open; catching up.
    Syncing,
    /// Caught up; messages come as they are written.
    Online,
    /// No connection.
    Offline {
        /// Why, for people.
        reason: String,
        /// When the next attempt is made; `None` if the user asked to be offline.
        retry_in: Option<Duration>,
    },
    /// The session has ended; signing in again is needed.
    SignedOut,
    /// The client ended.
    Closed,
}

/// How far a message of this device is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MessageState {
    /// In the outbox: it will be sent, whatever happens to this process.
    Queued,
    /// On the wire; the outcome is unknown.
    Sent,
    /// In the log (ACK-1).
    Acknowledged(Sent),
    /// The server refuses it for good.
    Failed(ErrorBody),
}

/// The present state of the connection.
#[derive(Clone, Debug)]
pub struct Connection(pub(crate) watch::Receiver<ConnectionState>);

impl Connection {
    /// The state now.
    pub fn state(&self) -> ConnectionState {
        self.0.borrow().clone()
    }

    /// The first state from now on that `wanted` takes, the present one included; `None` when the client has ended.
    pub async fn until(&mut self, wanted: impl FnMut(&ConnectionState) -> bool) -> Option<ConnectionState> {
        self.0.wait_for(wanted).await.ok().map(|state| state.clone())
    }
}

/// A reader of updates.
#[derive(Debug)]
pub struct Updates(pub(crate) broadcast::Receiver<Arc<Update>>);

/// What a reader of updates gets.
#[derive(Clone, Debug)]
pub enum Next {
    /// The next update.
    Update(Arc<Update>),
    /// This reader was too slow and missed so many: read what matters from [`crate::Client::messages`] and
    /// [`crate::Client::conversations`].
    Missed(u64),
}

impl Updates {
    /// The next update; `None` when the client has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<Next> {
        match self.0.recv().await {
            Ok(update) => Some(Next::Update(update)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Next::Missed(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}
