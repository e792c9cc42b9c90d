//! `user.update`: changes to one's own profile, settings and user name.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::{DisplayName, Username};
use tidings_domain::ids::ClientId;
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};

use crate::Text;
use crate::user::{Own, User};

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"user.update","id":"9","client_id":"01JD0000000000000000000C00","version":2,"bio":"Mathematician","time_zone":"Europe/London","presence_to":"contacts"}"#,
    r#"{"reply":"9","ok":{"user":{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice","bio":"Mathematician"},"own":{"language":"en-GB","time_zone":"Europe/London","messages_from":"anyone","presence_to":"contacts","version":3}}}"#,
)];

/// What becomes different; what is left out stays. At least one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserUpdate {
    /// What the client calls this request. Sent again it changes nothing more.
    pub client_id: Text<ClientId>,
    /// Only if the profile has this version; `conflict` otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// A new user name; the old one is free at once. `conflict` if somebody has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<Text<Username>>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Text<DisplayName>>,
    /// May be empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bio: Option<Text<Bio>>,
    /// Empty to tell it no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Text<Language>>,
    /// Empty to tell it no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<Text<TimeZone>>,
    /// Whose messages to take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages_from: Option<Text<MessagesFrom>>,
    /// Who sees whether one is online.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_to: Option<Text<PresenceTo>>,
}

/// Oneself, as one stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UserUpdateReply {
    /// The card.
    pub user: User,
    /// The rest.
    pub own: Own,
}
