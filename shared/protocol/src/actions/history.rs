//! `history`: a page of a conversation's log. Always ascending; with neither bound the newest page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::ConversationId;
use tidings_domain::limits::HISTORY_PAGE_MAX;

use crate::Text;
use crate::entry::Entry;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"history","id":"5","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","after":41,"limit":50}"#,
    r#"{"reply":"5","ok":{"entries":[{"seq":42,"sender":"u_01JD0000000000000000000A00","client_id":"01JD0000000000000000000C00","sent_at":1764000000000,"kind":"message","body":{"type":"text","text":"hi"},"rev":0,"counts":[21,21]}],"more":false,"floor":1}}"#,
)];

/// Which page: at most one of `after` and `before`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("not" = { "required": ["after", "before"] }))]
pub struct History {
    /// Where.
    pub conversation: Text<ConversationId>,
    /// The entries right above this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The entries right below this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many, 1 to 100; fewer when a frame is full. Default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = HISTORY_PAGE_MAX))]
    pub limit: Option<usize>,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryReply {
    /// Ascending.
    pub entries: Vec<Entry>,
    /// Whether there are more in the direction asked: above the last with `after`, below the first otherwise.
    pub more: bool,
    /// The lowest seq that I can get; with `after`, of the stretch of the log that begins or goes on above it: somebody who
    /// left a group and came back sees nothing in between.
    pub floor: u64,
}
