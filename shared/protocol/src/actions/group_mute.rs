//! `group.mute`: mute a member of a lower role for a time, or everybody but admins; or let them write again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, GroupId, UserId};
use tidings_domain::limits::MUTE_MAX_S;

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"group.mute","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00","muted":true,"seconds":600}"#,
        r#"{"reply":"20","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
    ),
    (
        r#"{"action":"group.mute","id":"21","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","muted":true}"#,
        r#"{"reply":"21","ok":{"conversation":"g:g_01JD0000000000000000000G00","seq":7,"duplicate":false}}"#,
    ),
];

/// Mute a member of a lower role for a time, or everybody but admins; or let them write again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupMute {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Whom; without it everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<Text<UserId>>,
    /// Mute, or let write again.
    pub muted: bool,
    /// A member: for how many seconds, at most a year.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MUTE_MAX_S))]
    pub seconds: Option<u64>,
}
