//! `GET /v1/conversations/{id}/entries`: what `history` answers, in larger pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const REPLY_EXAMPLE: &str = r#"{"entries":[{"seq":42,"sender":"u_01JD0000000000000000000A00","client_id":"01JD0000000000000000000C00","sent_at":1764000000000,"kind":"message","body":{"type":"text","text":"hi"},"rev":0,"counts":[21,21]}],"more":false,"floor":1}"#;

/// Which page: at most one of `after` and `before`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("not" = { "required": ["after", "before"] }))]
pub struct EntriesQuery {
    /// The entries right above this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// The entries right below this seq.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// At most so many, 1 to 1,000. Default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1000))]
    pub limit: Option<usize>,
}
