//! `user.search`: people by how their user names begin.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::UsernamePrefix;

use crate::Text;
use crate::user::User;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"user.search","id":"10","prefix":"al","limit":1}"#,
    r#"{"reply":"10","ok":{"users":[{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice"}],"more":true,"cursor":"alice"}}"#,
)];

/// Whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserSearch {
    /// The first letters, or a whole name (capitals are folded).
    pub prefix: Text<UsernamePrefix>,
    /// At most so many, 1 to 20. Default 20.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 20))]
    pub limit: Option<usize>,
    /// The last page's `cursor`: continue after it, with the same prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserSearchReply {
    /// Their cards, ascending by user name: who has the prefix for a name comes first.
    pub users: Vec<User>,
    /// Whether there is a next page, under `cursor`.
    pub more: bool,
    /// Where the next page begins. Opaque.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
