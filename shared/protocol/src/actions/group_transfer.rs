//! `group.transfer`: hand a group over to a member. I am an admin then.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, GroupId, UserId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.transfer","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00"}"#,
    r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
)];

/// Hand a group over to a member. I am an admin then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupTransfer {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// To whom.
    pub user: Text<UserId>,
}
