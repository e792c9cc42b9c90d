//! `user.get`: a person's public card, by id or by user name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::Username;
use tidings_domain::ids::UserId;

use crate::Text;
use crate::user::User;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"user.get","id":"7","username":"alice"}"#,
    r#"{"reply":"7","ok":{"user":{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice"}}}"#,
)];

/// Exactly one of both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [{ "required": ["user"] }, { "required": ["username"] }]))]
pub struct UserGet {
    /// By id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text<UserId>>,
    /// By user name, exactly (capitals are folded).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Text<Username>>,
}

/// The person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserGetReply {
    /// Their card.
    pub user: User,
}
