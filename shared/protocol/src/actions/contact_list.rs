//! `contact.list`: whom I have, or what changed of it since.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::UserId;
use tidings_domain::limits::CONTACTS_PAGE_MAX;

use crate::Text;
use crate::contact::ContactInfo;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"contact.list","id":"20","since":3,"limit":50}"#,
    r#"{"reply":"20","ok":{"contacts":[{"user":"u_01JD0000000000000000000B00","state":"friends","since":1764000000000,"remark":"Bobby","tags":["work"],"blocked":false,"version":5}],"version":4,"whole":false}}"#,
)];

/// Whom I have, or what changed of it since, a page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactList {
    /// The `version` of an earlier list: what changed since, gone ones included. Without it, or if it is older than 30 days,
    /// the whole list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
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
pub struct ContactListReply {
    /// Ascending by user.
    pub contacts: Vec<ContactInfo>,
    /// With what to ask for the next page, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Text<UserId>>,
    /// With what to ask what changed since: that of the first page. It is some time behind, so what has just changed comes
    /// again; the higher `version` of a contact counts.
    pub version: u64,
    /// Whether this is the whole list, and who is not in it is no contact, or what changed alone.
    pub whole: bool,
}
