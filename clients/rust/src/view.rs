//! What a user of the client looks at.

use tidings_domain::ids::{ClientId, ConversationId};
use tidings_protocol::body::Body;
use tidings_protocol::entry::Entry;
use tidings_protocol::error::ErrorBody;

/// A conversation as this device knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    /// Which.
    pub id: ConversationId,
    /// The lowest entry that this device holds without a hole up to `last`.
    pub base: u64,
    /// The last entry that this device holds.
    pub last: u64,
    /// The lowest entry that the server still gives.
    pub floor: u64,
    /// Of a group that I am no member of any more. What I could see until then stays.
    pub left: bool,
    /// Everything up to here I have read.
    pub read_seq: u64,
    /// Messages of others above it.
    pub unread: u64,
    /// Everything up to here the other person of a direct conversation is known to have read.
    pub peer_read_seq: u64,
}

/// A message of this device that is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Where.
    pub conversation: ConversationId,
    /// Which.
    pub client_id: ClientId,
    /// What it says.
    pub body: Body,
    /// Why the server refuses it for good; `None` while it is on its way.
    pub failed: Option<ErrorBody>,
}

/// A page of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// Ascending, without a hole.
    pub entries: Vec<Entry>,
    /// Whether there are more in the direction asked.
    pub more: bool,
}

/// Which page of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest entries.
    Newest,
    /// The entries right below this one.
    Before(u64),
    /// The entries right above this one.
    After(u64),
}
