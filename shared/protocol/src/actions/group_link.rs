//! `group.link`: make a link that lets people in, or take one back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::LinkCode;
use tidings_domain::ids::{ClientId, GroupId};
use tidings_domain::limits::LINK_TTL_MAX_S;

use crate::Text;
use crate::group::InviteLink;

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"group.link","id":"20","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","seconds":604800,"uses":5}"#,
        r#"{"reply":"20","ok":{"link":{"code":"01JD0000000000000000000K00","by":"u_01JD0000000000000000000A00","expires_at":1764604800000,"uses_left":5},"seq":7,"duplicate":false}}"#,
    ),
    (
        r#"{"action":"group.link","id":"21","group":"g_01JD0000000000000000000G00","client_id":"01JD0000000000000000000C00","revoke":"01JD0000000000000000000K00"}"#,
        r#"{"reply":"21","ok":{"seq":8,"duplicate":false}}"#,
    ),
];

/// Make a link that lets people in, or take one back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupLink {
    /// Which.
    pub group: Text<GroupId>,
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Take this one back. Without it one is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoke: Option<Text<LinkCode>>,
    /// A new one: good for so many seconds, at most a year. Default a week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = LINK_TTL_MAX_S))]
    pub seconds: Option<u64>,
    /// A new one: for so many people. Default any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub uses: Option<u32>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupLinkReply {
    /// The new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<InviteLink>,
    /// Seq of the entry that tells it.
    pub seq: u64,
    /// Whether an earlier attempt had done it.
    pub duplicate: bool,
}
