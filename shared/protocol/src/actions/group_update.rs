//! `group.update`: change what a group is called, what it is about and how it is run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, GroupId};

use crate::Text;
use crate::group::GroupEdit;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.update","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","version":1,"name":"Reading club"}"#,
    r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
)];

/// Change what a group is called, what it is about and how it is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupUpdate {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// The `version` that I saw. If it is another one by now, the change is refused (`conflict`), so that nobody's is lost
    /// unseen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// What is new.
    #[serde(flatten)]
    pub edit: GroupEdit,
}
