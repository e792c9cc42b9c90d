//! `group.member`: one member of a group.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{GroupId, UserId};

use crate::Text;
use crate::group::MemberInfo;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.member","id":"20","group":"g_01JD0000000000000000000G00","user":"u_01JD0000000000000000000A00"}"#,
    r#"{"reply":"20","ok":{"member":{"user":"u_01JD0000000000000000000A00","role":"owner","joined_at":1764000000000}}}"#,
)];

/// One member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupMember {
    /// Which.
    pub group: Text<GroupId>,
    /// Who.
    pub user: Text<UserId>,
}

/// The member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupMemberReply {
    /// As the group knows them.
    pub member: MemberInfo,
}
