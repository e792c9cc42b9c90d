//! `presence.query`: who is online, and when the others last were.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::UserId;

use crate::Text;
use crate::limits::PRESENCE_USERS_MAX;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"presence.query","id":"11","users":["u_01JD0000000000000000000A00","u_01JD0000000000000000000B00"]}"#,
    r#"{"reply":"11","ok":{"presence":[{"user":"u_01JD0000000000000000000A00","online":true},{"user":"u_01JD0000000000000000000B00","online":false,"last_seen":1764000000000}]}}"#,
)];

/// Up to 100 people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceQuery {
    /// Who.
    #[schemars(length(max = PRESENCE_USERS_MAX))]
    pub users: Vec<Text<UserId>>,
}

/// Each of them, in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceQueryReply {
    /// What they show to who asks. Nobody, and who hides it, is offline without `last_seen`.
    pub presence: Vec<PersonPresence>,
}

/// A person's presence, over all their devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonPresence {
    /// Who.
    pub user: Text<UserId>,
    /// Whether one of their devices is connected.
    pub online: bool,
    /// When the last of them was, in milliseconds since the Unix epoch. Missing while they are online, after a month,
    /// and where it is not shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<u64>,
}
