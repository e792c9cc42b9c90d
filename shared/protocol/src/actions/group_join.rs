//! `group.join`: become a member: by a link, by an invitation, or as the group lets people in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::{Greeting, LinkCode};
use tidings_domain::ids::{ClientId, GroupId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"group.join","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","link":"01JD0000000000000000000K00"}"#,
        r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
    ),
    (
        r#"{"action":"group.join","id":"21","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","greeting":"Hello!"}"#,
        r#"{"reply":"21","ok":{"conversation":"n:u_01JD0000000000000000000A00","seq":3,"duplicate":false}}"#,
    ),
];

/// Become a member: by a link, by an invitation, or as the group lets people in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupJoin {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// The code of a link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<Text<LinkCode>>,
    /// What to say to those who answer, if somebody has to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Text<Greeting>>,
}
