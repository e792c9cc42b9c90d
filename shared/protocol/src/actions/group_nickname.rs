//! `group.nickname`: what I am called in a group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ClientId, GroupId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.nickname","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","nickname":"Al"}"#,
    r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
)];

/// What I am called in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupNickname {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// What; without it I have no nickname.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Text<DisplayName>>,
}
