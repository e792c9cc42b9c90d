//! `PUT /v1/account/password` and `DELETE /v1/account`: what a person does to their own account.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::Password;

use crate::Text;

pub(super) const CHANGE_EXAMPLE: &str = r#"{"old":"correct horse","new":"battery staple"}"#;
pub(super) const DELETE_EXAMPLE: &str = r#"{"password":"correct horse"}"#;
pub(super) const REPLY_EXAMPLE: &str = "{}";

/// A new password. Sent again after a lost answer it succeeds too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangePassword {
    /// The password so far.
    pub old: Text<Password>,
    /// From now on.
    pub new: Text<Password>,
}

/// The end of the account. Sent again it goes on where it stopped, also after the session has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeleteAccount {
    /// To be sure that it is the person who asks.
    pub password: Text<Password>,
}

/// It is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}
