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
    /// A type that this client does not know yet.
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
