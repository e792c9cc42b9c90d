//! `group.members`: a page of the members of a group, ascending by id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::{GroupId, UserId};
use tidings_domain::limits::MEMBERS_PAGE_MAX;

use crate::Text;
use crate::group::MemberInfo;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.members","id":"20","group":"g_01JD0000000000000000000G00","limit":50}"#,
    r#"{"reply":"20","ok":{"members":[{"user":"u_01JD0000000000000000000A00","role":"owner","joined_at":1764000000000}],"more":false,"version":7}}"#,
)];

/// A page of the members of a group, ascending by id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupMembers {
    /// Which.
    pub group: Text<GroupId>,
    /// The last one of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Text<UserId>>,
    /// At most so many, 1 to 100. Default 50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MEMBERS_PAGE_MAX))]
    pub limit: Option<usize>,
    /// Those alone whose nickname begins so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Text<DisplayName>>,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupMembersReply {
    /// Ascending by id.
    pub members: Vec<MemberInfo>,
    /// Whether there are more.
    pub more: bool,
    /// The list holds what the entries up to this seq tell. Whoever has it applies the later entries, and need not ask again.
    pub version: u64,
}
