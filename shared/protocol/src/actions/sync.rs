//! `sync`: what a device needs after it was away. Over the socket one frame at a time, over HTTP in large pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ConversationId, UserId};

use crate::Text;
use crate::entry::Entry;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"sync","id":"1","since":"1763999000000"}"#,
    r#"{"reply":"1","ok":{"conversations":[{"conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","head_seq":42,"head_at":1764000000000,"read_seq":41,"unread":1,"floor":1,"peer":"u_01JD0000000000000000000B00","entries":[{"seq":42,"sender":"u_01JD0000000000000000000B00","client_id":"01JD0000000000000000000C00","sent_at":1764000000000,"kind":"message","body":{"type":"text","text":"hi"},"rev":0,"counts":[20,22]}]}],"more":false,"since":"1764000000100"}}"#,
)];

/// Which page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sync {
    /// The last page's `cursor`: continue after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The `since` of the last reply that ended a sync (`more: false`): adds the newest entries of quiet
    /// conversations that changed after it. Lively ones come with entries anyway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncReply {
    /// Conversations in key order, not by activity.
    pub conversations: Vec<SyncedConversation>,
    /// Whether there is a next page, under `cursor`.
    pub more: bool,
    /// Where the next page begins. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// For the next sync. Opaque; that of the first page counts.
    pub since: String,
}

/// One conversation as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SyncedConversation {
    /// Which.
    pub conversation: Text<ConversationId>,
    /// Seq of the newest entry; 0 if there is none.
    pub head_seq: u64,
    /// When the newest entry was appended, in milliseconds since the Unix epoch; 0 if there is none.
    pub head_at: u64,
    /// Everything up to here I have read, on whichever device.
    pub read_seq: u64,
    /// Messages of others above `read_seq`. Exact in direct conversations; in groups my own are left out only among the
    /// newest entries, so a client that has all entries counts by itself.
    pub unread: u64,
    /// The lowest seq that I can get. A client below it jumps to `floor - 1`.
    pub floor: u64,
    /// Of a group that I am no member of any more: `head_seq` is then the last entry that I can get.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
    /// In a direct conversation: the other person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<Text<UserId>>,
    /// The newest entries up to the head, ascending without a hole, as many as fit. May be empty: pull then.
    pub entries: Vec<Entry>,
}
