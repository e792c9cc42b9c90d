//! `contact.unblock`: take a block back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, UserId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"contact.unblock","id":"20","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00"}"#,
    r#"{"reply":"20","ok":{"seq":3,"duplicate":false}}"#,
)];

/// Take a block back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactUnblock {
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Whom it is about.
    pub user: Text<UserId>,
}
