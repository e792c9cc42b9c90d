//! `group.invite`: invite somebody. They join with `group.join`, whatever the group says of joining.
//!
//! They hear of it once: not again while an invitation stands, and not of somebody whom they block. The answer is the same.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::Greeting;
use tidings_domain::ids::{ClientId, GroupId, UserId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.invite","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00","greeting":"Come!"}"#,
    r#"{"reply":"20","ok":{"conversation":"n:u_01JD0000000000000000000A00","seq":3,"duplicate":false}}"#,
)];

/// Invite somebody. They join with `group.join`, whatever the group says of joining, and are told once while it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupInvite {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Whom.
    pub user: Text<UserId>,
    /// What to say to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Text<Greeting>>,
}
