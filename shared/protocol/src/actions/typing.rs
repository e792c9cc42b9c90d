//! `typing`: somebody writes. Without a reply, because nothing depends on it; who is refused is not told.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::ConversationId;

use crate::Text;
use crate::event::yes;

pub(super) const EXAMPLES: &[&str] = &[
    r#"{"action":"typing","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00"}"#,
    r#"{"action":"typing","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","typing":false}"#,
    r#"{"action":"typing","conversation":"g:g_01JD0000000000000000000G00"}"#,
];

/// I write here, or have stopped to. At most every three seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Typing {
    /// Where. Those who would take a message of mine are told; in a group of more than 100 members, nobody.
    pub conversation: Text<ConversationId>,
    /// Whether I write.
    #[serde(default = "yes", skip_serializing_if = "Clone::clone")]
    pub typing: bool,
}
