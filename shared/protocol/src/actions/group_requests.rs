//! `group.requests`: who asks to become a member, who is invited, and the links that let people in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{GroupId, UserId};

use crate::Text;
use crate::group::{GroupAsking, InviteLink};

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.requests","id":"20","group":"g_01JD0000000000000000000G00"}"#,
    r#"{"reply":"20","ok":{"asking":[{"user":"u_01JD0000000000000000000B00","greeting":"Hello!","at":1764000000000}],"more":false,"links":[{"code":"01JD0000000000000000000K00","by":"u_01JD0000000000000000000A00","expires_at":1764600000000,"uses_left":5}]}}"#,
)];

/// Who asks to become a member, who is invited, and the links that let people in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRequests {
    /// Which.
    pub group: Text<GroupId>,
    /// The last one of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Text<UserId>>,
}

/// What is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupRequestsReply {
    /// Requests and invitations, ascending by who is to become a member.
    pub asking: Vec<GroupAsking>,
    /// Whether there are more.
    pub more: bool,
    /// With the first page: links that are still good, at most 50.
    pub links: Vec<InviteLink>,
}
