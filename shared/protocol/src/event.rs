//! What the server tells a client unasked. Only ever a hint (HINT-1): whatever is lost, doubled or late here, the
//! log tells.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ConversationId, UserId};

use crate::Text;
use crate::entry::Entry;

/// One event. Clients ignore types they do not know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// An entry was appended. Apply it if its seq is the next one, ignore it if older, wait and pull on a gap.
    Entry {
        /// Where.
        conversation: Text<ConversationId>,
        /// What.
        entry: Entry,
    },
    /// A member's read position moved. It never moves back.
    Read {
        /// Where.
        conversation: Text<ConversationId>,
        /// Whose position.
        user: Text<UserId>,
        /// Everything up to here is read.
        seq: u64,
    },
    /// More happened than could be pushed: sync at a random time within `within_ms`.
    Pull {
        /// Milliseconds.
        within_ms: u64,
    },
    /// This device was signed out; the connection is closed next. Its session is over: it neither renews tokens nor
    /// gets tickets, so do not reconnect, sign in again.
    Kicked {
        /// Why.
        reason: KickReason,
    },
    /// Somebody whom this device watches came or went. Told once and never stored.
    Presence {
        /// Who.
        user: Text<UserId>,
        /// Whether one of their devices is online.
        online: bool,
        /// When the last of them was, in milliseconds since the Unix epoch. Missing while they are online, and where it
        /// is not known or not shown.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen: Option<u64>,
    },
    /// Somebody writes, or has stopped to. Told once and never stored: forget it after some seconds.
    Typing {
        /// Where.
        conversation: Text<ConversationId>,
        /// Who.
        user: Text<UserId>,
        /// Whether they write.
        #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
        typing: bool,
    },
    /// A type that this client does not know yet.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// What is meant where nothing is said.
pub(crate) const fn yes() -> bool {
    true
}

/// Why a device was signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KickReason {
    /// The person signed it out, there or on another device.
    SignedOut,
    /// They signed in elsewhere, and this server allows no more devices at once.
    LoginPolicy,
    /// They changed the password on another device.
    PasswordChanged,
    /// They ended their account.
    AccountDeleted,
    /// A reason that this client does not know yet.
    #[serde(other)]
    #[schemars(skip)]
    Unknown,
}

/// A frame from the server that is not a reply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Events {
    /// Always a list.
    pub events: Vec<Event>,
}
