//! `user.get`: a person, by id or by user name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::Username;
use tidings_domain::ids::UserId;

use crate::Text;
use crate::user::{Own, User};

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"user.get","id":"7","username":"alice"}"#,
        r#"{"reply":"7","ok":{"user":{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice","bio":"Mathematician"}}}"#,
    ),
    (
        r#"{"action":"user.get","id":"8","user":"u_01JD0000000000000000000A00"}"#,
        r#"{"reply":"8","ok":{"user":{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice"},"own":{"language":"en-GB","time_zone":"Europe/London","messages_from":"anyone","presence_to":"contacts","version":3}}}"#,
    ),
];

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
    /// Of oneself: the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own: Option<Own>,
}
