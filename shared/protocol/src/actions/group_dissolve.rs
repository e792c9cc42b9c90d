//! `group.dissolve`: end a group. Its log stays readable to its members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, GroupId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.dissolve","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00"}"#,
    r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
)];

/// End a group. Its log stays readable to its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupDissolve {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
}
