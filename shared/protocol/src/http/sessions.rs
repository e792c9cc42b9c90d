//! `POST /v1/sessions` and `/v1/sessions/refresh`: sign in, stay signed in.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::identity::{DisplayName, Password, Platform, Username};
use tidings_domain::ids::DeviceId;

use crate::Text;
use crate::user::User;

pub(super) const REQUEST_EXAMPLE: &str = r#"{"username":"alice","password":"correct horse","device":{"id":"laptop-1","name":"Alice's laptop","platform":"desktop"}}"#;
pub(super) const REFRESH_EXAMPLE: &str = r#"{"refresh_token":"opaque"}"#;
pub(super) const REPLY_EXAMPLE: &str = r#"{"access_token":"opaque","refresh_token":"opaque","expires_in":900,"user":{"id":"u_01JD0000000000000000000A00","username":"alice","display_name":"Alice"}}"#;

/// Who, and on which device. Signing in again on a device replaces its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreateSession {
    /// Capitals are folded.
    pub username: Text<Username>,
    /// As at sign-up. A wrong one and an unknown name are answered alike.
    pub password: Text<Password>,
    /// The device.
    pub device: Device,
}

/// A device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Chosen by the client when it is installed.
    pub id: Text<DeviceId>,
    /// For the person's list of devices.
    pub name: Text<DisplayName>,
    /// Its class.
    pub platform: Text<Platform>,
}

/// Stay signed in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefreshSession {
    /// The newest refresh token. It works once; using an older one ends the session.
    pub refresh_token: String,
}

/// Tokens, both bound to the device.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionReply {
    /// A JWT (EdDSA) for the `authorization` header.
    pub access_token: String,
    /// Opaque; replaces the one before.
    pub refresh_token: String,
    /// Life of the access token, in seconds.
    pub expires_in: u64,
    /// Who signed in.
    pub user: User,
}

// Tokens must not end in a log because somebody printed a request.

impl fmt::Debug for RefreshSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshSession").finish_non_exhaustive()
    }
}

impl fmt::Debug for SessionReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expires_in, user, .. } = self;
        f.debug_struct("SessionReply").field("expires_in", expires_in).field("user", user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_never_printed() {
        let reply: SessionReply = serde_json::from_str(&REPLY_EXAMPLE.replace("opaque", "s3cret")).unwrap();
        let refresh: RefreshSession = serde_json::from_str(&REFRESH_EXAMPLE.replace("opaque", "s3cret")).unwrap();
        assert!(!format!("{reply:?} {refresh:?}").contains("s3cret"));
    }
}
