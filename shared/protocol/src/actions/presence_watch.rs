//! `presence.watch`: be told for a while when these people come and go.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::UserId;

use crate::Text;
use crate::actions::presence_query::PersonPresence;
use crate::limits::{PRESENCE_USERS_MAX, WATCH_MAX_S};

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"presence.watch","id":"12","users":["u_01JD0000000000000000000B00"],"seconds":600}"#,
        r#"{"reply":"12","ok":{"until":1764000600000,"presence":[{"user":"u_01JD0000000000000000000B00","online":false,"last_seen":1764000000000}]}}"#,
    ),
    (
        r#"{"action":"presence.watch","id":"13","users":[]}"#,
        r#"{"reply":"13","ok":{"until":1764000300000,"presence":[]}}"#,
    ),
];

/// Whom this connection watches from now on, in place of whom it did. Ask again to renew it; a new connection of the
/// device watches nobody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceWatch {
    /// Up to 100 people.
    #[schemars(length(max = PRESENCE_USERS_MAX))]
    pub users: Vec<Text<UserId>>,
    /// For how long; 300 if it is not said. Each renewal costs a write and a read for each person, so ask for as long as
    /// they are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = WATCH_MAX_S))]
    pub seconds: Option<u64>,
}

/// They are watched, and this is where they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PresenceWatchReply {
    /// Until then, in milliseconds since the Unix epoch.
    pub until: u64,
    /// Each of them, in the order asked, read after the watch began: nobody comes or goes unnoticed in between.
    pub presence: Vec<PersonPresence>,
}
