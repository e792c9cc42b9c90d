//! `group.announce`: announce something to all members, or take the announcement away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::Announcement;
use tidings_domain::ids::{ClientId, GroupId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.announce","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","text":"On Friday at eight"}"#,
    r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
)];

/// Announce something to all members, or take the announcement away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupAnnounce {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// What; without it the present one is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text<Announcement>>,
}
