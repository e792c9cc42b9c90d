//! A person, as other people see them and as they see themself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::{DisplayName, Username};
use tidings_domain::ids::UserId;
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};

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
    /// A few words about themself.
    #[serde(default, skip_serializing_if = "is_empty")]
    pub bio: Text<Bio>,
}

/// What only the person sees of themself, beside their card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// What they read best; empty is not told.
    pub language: Text<Language>,
    /// Where their clock is; empty is not told.
    pub time_zone: Text<TimeZone>,
    /// Whose messages they take, where the deployment leaves it to them.
    pub messages_from: Text<MessagesFrom>,
    /// Who sees whether they are online.
    pub presence_to: Text<PresenceTo>,
    /// Goes up with each change of card and settings.
    pub version: u64,
}

fn is_empty(bio: &Text<Bio>) -> bool {
    bio.is_empty()
}
