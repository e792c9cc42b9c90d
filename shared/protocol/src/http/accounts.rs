//! `POST /v1/accounts`: sign up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::{DisplayName, Password, Username};
use tidings_domain::ids::ClientId;

use crate::Text;
use crate::user::User;

pub(super) const REQUEST_EXAMPLE: &str = r#"{"username":"alice","password":"correct horse","display_name":"Alice","client_id":"01JD0000000000000000000C00"}"#;
pub(super) const REPLY_EXAMPLE: &str =
    r#"{"user":{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice"}}"#;

/// A new person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreateAccount {
    /// Unique; capitals are folded.
    pub username: Text<Username>,
    /// 8 to 128 characters.
    pub password: Text<Password>,
    /// For people.
    pub display_name: Text<DisplayName>,
    /// What the client calls this request. With it, sending again after a lost answer gives the first answer
    /// instead of `conflict`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Text<ClientId>>,
}

/// The account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreateAccountReply {
    /// The new person's card.
    pub user: User,
}
