//! `conversation.read`: move one's own read position forward. It never moves back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::ConversationId;

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"conversation.read","id":"6","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","seq":42}"#,
    r#"{"reply":"6","ok":{"read_seq":42}}"#,
)];

/// Everything up to `seq` is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationRead {
    /// Where.
    pub conversation: Text<ConversationId>,
    /// From 1 up to the head.
    #[schemars(range(min = 1))]
    pub seq: u64,
}

/// Where the position stands now: at `seq`, or higher if another device was further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationReadReply {
    /// The position.
    pub read_seq: u64,
}
