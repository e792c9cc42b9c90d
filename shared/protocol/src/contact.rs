//! What one person has of another.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::contact::Tag;
use tidings_domain::group::Greeting;
use tidings_domain::identity::DisplayName;
use tidings_domain::ids::UserId;

use crate::Text;

/// What is between both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// I have asked them.
    Asked,
    /// They have asked me.
    Asking,
    /// We are contacts.
    Friends,
}

/// What I have of another person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactInfo {
    /// The other one.
    pub user: Text<UserId>,
    /// What is between us; nothing of whom I only block, and of who is gone from the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<ContactState>,
    /// Since when, in milliseconds since the Unix epoch. A request counts for 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// What was said with the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Text<Greeting>>,
    /// What I call them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<Text<DisplayName>>,
    /// What I keep them under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Text<Tag>>,
    /// Whether I want nothing of them. They do not know.
    pub blocked: bool,
    /// Seq of the entry in my notices that told the last change.
    pub version: u64,
}

/// A change that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactChanged {
    /// Place in my notices of the entry that tells it; of the newest one, if it was so already.
    pub seq: u64,
    /// Whether an earlier attempt had done it.
    pub duplicate: bool,
}
