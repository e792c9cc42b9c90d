//! `group.remark`: what I call a group, for myself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{ClientId, GroupId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.remark","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","remark":"Books"}"#,
    r#"{"reply":"20","ok":{"conversation":"n:u_01JD0000000000000000000A00","seq":3,"duplicate":false}}"#,
)];

/// What I call a group, for myself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRemark {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// What; without it nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Text<DisplayName>>,
}
