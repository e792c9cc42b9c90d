//! `contact.block`: want nothing of somebody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, UserId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"contact.block","id":"20","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00"}"#,
    r#"{"reply":"20","ok":{"seq":3,"duplicate":false}}"#,
)];

/// Want nothing of somebody. They do not learn of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactBlock {
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Whom it is about.
    pub user: Text<UserId>,
}
