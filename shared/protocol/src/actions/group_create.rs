//! `group.create`: found a group, with first members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::{Description, GroupName};
use tidings_domain::ids::{ClientId, GroupId, UserId};
use tidings_domain::limits::FIRST_MEMBERS_MAX;

use crate::Text;
use crate::group::SettingsEdit;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.create","id":"20","client_id":"01JD0000000000000000000C00","name":"Book club","members":["u_01JD0000000000000000000B00"],"joining":"approval"}"#,
    r#"{"reply":"20","ok":{"group":"g_01JD0000000000000000000G00","seq":1,"duplicate":false}}"#,
)];

/// Found a group, with first members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreate {
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// What it is called.
    pub name: Text<GroupName>,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Text<Description>>,
    /// Who is in it from the beginning, beside me: people who would take my messages. Others are invited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = FIRST_MEMBERS_MAX))]
    pub members: Vec<Text<UserId>>,
    /// How it is run, where it is not as usual.
    #[serde(flatten)]
    pub settings: SettingsEdit,
}

/// The group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupCreateReply {
    /// Its id, which follows from who founded it and their client id.
    pub group: Text<GroupId>,
    /// Seq of its first entry.
    pub seq: u64,
    /// Whether an earlier attempt had founded it.
    pub duplicate: bool,
}
