//! `group.list`: the groups that I am or was in, a page.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::GroupId;
use tidings_domain::limits::GROUPS_PAGE_MAX;

use crate::Text;
use crate::group::GroupCard;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"group.list","id":"20","limit":10}"#,
    r#"{"reply":"20","ok":{"groups":[{"group":"g_01JD0000000000000000000G00","card":{"id":"g_01JD0000000000000000000G00","name":"Book club","description":"What we read","members":2,"joining":"approval"},"member":true,"remark":"Books"}],"more":false}}"#,
)];

/// The groups that I am or was in, a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupList {
    /// The last one of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Text<GroupId>>,
    /// At most so many, 1 to 10. Default 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = GROUPS_PAGE_MAX))]
    pub limit: Option<usize>,
}

/// The page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupListReply {
    /// Ascending by id.
    pub groups: Vec<ListedGroup>,
    /// Whether there are more.
    pub more: bool,
}

/// A group in my list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedGroup {
    /// Which.
    pub group: Text<GroupId>,
    /// What it is; nothing of a group that I left and outsiders cannot find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<GroupCard>,
    /// Whether I am a member now.
    pub member: bool,
    /// What I call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Text<DisplayName>>,
}
