//! What the ports exchange.

use std::fmt;

use tidings_domain::identity::{DisplayName, Platform, Username};
use tidings_domain::ids::{ClientId, DeviceId, UserId};
use tidings_domain::profile::{Bio, Profile};
use tidings_domain::time::Timestamp;

use super::session::SessionId;

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Never changes.
    pub user: UserId,
    /// Unique.
    pub username: Username,
    /// What they say about themself, and what they allow.
    pub profile: Profile,
    /// Of the password.
    pub password_hash: PasswordHash,
    /// When they signed up.
    pub created_at: Timestamp,
    /// Goes up with each change of user name and profile (MONO-1). A new account has 0.
    pub version: u64,
    /// The client ids of the last such changes, the newest at the end, at most
    /// [`CHANGES_KEPT`](tidings_domain::limits::CHANGES_KEPT).
    pub changes: Vec<ClientId>,
}

impl Account {
    /// What everybody sees of it.
    pub fn card(&self) -> Card {
        Card {
            user: self.user,
            username: self.username.clone(),
            display_name: self.profile.display_name.clone(),
            bio: self.profile.bio.clone(),
        }
    }
}

/// A person's public card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Never changes.
    pub user: UserId,
    /// Unique.
    pub username: Username,
    /// For people.
    pub display_name: DisplayName,
    /// A few words; may be empty.
    pub bio: Bio,
}

/// What a password was hashed to, with the parameters (a PHC string). Its `Debug` is redacted: whoever has it can
/// try passwords at home.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what a hasher wrote.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the table and the hasher.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

/// A token or ticket as it travels. Its `Debug` is redacted: whoever has it is its owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// Wraps what a signer wrote.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the wire.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The text, for the wire.
    pub fn into_revealed(self) -> String {
        self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The device that somebody signs in on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Named by its client.
    pub id: DeviceId,
    /// For the person's list of devices.
    pub name: DisplayName,
    /// Its class.
    pub platform: Platform,
}

/// Who speaks, on which device and in which session: what every token and ticket vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The person.
    pub user: UserId,
    /// Their device.
    pub device: DeviceId,
    /// Its class.
    pub platform: Platform,
    /// The session that the token comes from.
    pub session: SessionId,
}

/// How long things are good for, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token. A session that ended can be used over HTTP until then.
    pub access_token_s: u64,
    /// A refresh token, and with it the session, since its last use.
    pub refresh_token_s: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_never_printed() {
        let text = "$argon2id$secret";
        for printed in [format!("{:?}", PasswordHash::new(text)), format!("{:?}", Token::new(text))] {
            assert!(!printed.contains("secret"), "{printed}");
        }
    }
}
