//! `GET /v1/conversations/{id}/entries`: what `history` answers, in larger pages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which page: at most one of `after` and `before`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
