//! `contact.request`: ask somebody to be a contact.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::group::Greeting;
use tidings_domain::ids::{ClientId, UserId};

use crate::Text;

pub(super) const EXAMPLES: &[(&str, &str)] = &[(
    r#"{"action":"contact.request","id":"20","client_id":"01JD0000000000000000000C00","user":"u_01JD0000000000000000000B00","greeting":"Hello!"}"#,
    r#"{"reply":"20","ok":{"seq":3,"duplicate":false}}"#,
)];

/// Ask somebody to be a contact. If they have asked me, I have accepted with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactRequest {
    /// What I call this change; the same again does nothing more (IDEM-1).
    pub client_id: Text<ClientId>,
    /// Whom it is about.
    pub user: Text<UserId>,
    /// What to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Text<Greeting>>,
}
