//! `contact.remark`: what I call somebody, and keep them under, for myself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::contact::Tag;
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::limits::CONTACT_TAGS_MAX;

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"contact.remark","id":"20","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00","remark":"Bobby","tags":["work"]}"#,
    r#"{"reply":"20","ok":{"seq":3,"duplicate":false}}"#,
)];

/// What I call somebody, and keep them under, for myself; both as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactRemark {
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Whom it is about.
    pub user: Text<UserId>,
    /// What I call them; without it nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Text<DisplayName>>,
    /// What I keep them under, at most 5; without it nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = CONTACT_TAGS_MAX))]
    pub tags: Vec<Text<Tag>>,
}
