//! `group.info`: a group, as I may see it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::GroupId;

use crate::Text;
use crate::group::{GroupCard, GroupDetails};

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"group.info","id":"20","group":"g_01JD0000000000000000000G00"}"#,
        r#"{"reply":"20","ok":{"card":{"id":"g_01JD0000000000000000000G00","name":"Book club","description":"What we read","members":2,"joining":"approval"},"details":{"owner":"u_01JD0000000000000000000A00","settings":{"joining":"approval","findable":false,"history":"from_join","leavers_keep":true,"permissions":{"invite":"member","edit":"admin","pin":"admin","mention_all":"admin"}},"muted":false,"version":1,"created_at":1764000000000,"dissolved":false,"me":{"user":"u_01JD0000000000000000000A00","role":"owner","joined_at":1764000000000}}}}"#,
    ),
    (
        r#"{"action":"group.info","id":"21","group":"g_01JD0000000000000000000G00"}"#,
        r#"{"reply":"21","ok":{"card":{"id":"g_01JD0000000000000000000G00","name":"Book club","description":"What we read","members":2,"joining":"approval"}}}"#,
    ),
];

/// A group, as I may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupInfo {
    /// Which.
    pub group: Text<GroupId>,
}

/// The group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupInfoReply {
    /// What everybody may see, if it is findable.
    pub card: GroupCard,
    /// What members see beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<GroupDetails>,
}
