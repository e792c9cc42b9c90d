//! An entry of a conversation's log, as readers see it.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use tidings_domain::ids::{ClientId, UserId};

use crate::Text;
use crate::body::Body;

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EntryKind {
    /// Somebody said something.
    Message,
    /// A change that the members must learn, or what the system tells one person. Never counts as unread.
    System,
    /// A kind that this version does not know.
    #[schemars(skip)]
    Unknown,
}

impl<'de> Deserialize<'de> for EntryKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match &*Cow::<'de, str>::deserialize(deserializer)? {
            "message" => Self::Message,
            "system" => Self::System,
            // An old client must not stop at what a new one wrote.
            _ => Self::Unknown,
        })
    }
}

/// One entry. Entries of a conversation are numbered 1, 2, 3 ... without a hole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Place in the conversation, from 1.
    pub seq: u64,
    /// Who wrote it.
    pub sender: Text<UserId>,
    /// What its sender called it; with the sender it identifies the message for ever.
    pub client_id: Text<ClientId>,
    /// When it was appended, in milliseconds since the Unix epoch. Never earlier than its predecessor's.
    pub sent_at: u64,
    /// What it is.
    pub kind: EntryKind,
    /// Its present content.
    pub body: Body,
    /// How often it was changed. The highest wins.
    pub rev: u32,
    /// Messages so far, this one included. In a direct conversation one number per member, in the order of the
    /// conversation's id; in a group two numbers: the messages, and how many members it has after this entry; elsewhere
    /// one. Unread = the messages of others at the head less those at my read position.
    pub counts: Vec<u64>,
    /// When it disappears, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
}
