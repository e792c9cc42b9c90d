//! `contact.blocked`: of whom I want nothing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::UserId;
use tidings_domain::limits::CONTACTS_PAGE_MAX;

use crate::Text;
use crate::contact::ContactInfo;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"contact.blocked","id":"20"}"#,
    r#"{"reply":"20","ok":{"contacts":[{"user":"u_01JD0000000000000000000B00","blocked":true,"version":5}]}}"#,
)];

/// Of whom I want nothing, a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactBlocked {
    /// The `cursor` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Text<UserId>>,
    /// At most so many, 1 to 100. Default 50. Fewer come if they would not fit a frame.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = CONTACTS_PAGE_MAX))]
    pub limit: Option<usize>,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactBlockedReply {
    /// Ascending by user.
    pub contacts: Vec<ContactInfo>,
    /// With what to ask for the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Text<UserId>>,
}
