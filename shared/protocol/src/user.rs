//! A person, as other people see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::{DisplayName, Username};
use tidings_domain::ids::UserId;

use crate::Text;

/// A person's public card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Never changes.
    pub id: Text<UserId>,
    /// Unique, folded to small letters.
    pub username: Text<Username>,
    /// For people.
    pub display_name: Text<DisplayName>,
}
