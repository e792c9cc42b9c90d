//! Keys of the `social` table.

use std::fmt;
use std::str::FromStr;

use tidings_domain::identity::Username;
use tidings_domain::ids::{DeviceId, UserId};

/// A key of the `social` table. The variants are the table's whole schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocialKey {
    /// `user#<user>` / `account`: the account.
    Account(UserId),
    /// `user#<user>` / `session#<device>`: the session of one device.
    Session(UserId, DeviceId),
    /// `name#<username>` / `name`: whose a user name is.
    Username(Username),
}

/// The text is no key of this table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key of the social table")
    }
}

impl std::error::Error for InvalidKey {}

impl SocialKey {
    /// Partition and sort key.
    pub fn encode(&self) -> (String, String) {
        match self {
            Self::Account(user) => (format!("user#{user}"), "account".to_owned()),
            Self::Session(user, device) => (format!("user#{user}"), format!("session#{device}")),
            Self::Username(name) => (format!("name#{name}"), "name".to_owned()),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(pk: &str, sk: &str) -> Result<Self, InvalidKey> {
        let decode = || match (pk.split_once('#')?, sk.split_once('#')) {
            (("user", user), None) if sk == "account" => Some(Self::Account(user.parse().ok()?)),
            (("user", user), Some(("session", device))) => {
                Some(Self::Session(user.parse().ok()?, DeviceId::from_str(device).ok()?))
            }
            (("name", name), None) if sk == "name" => {
                Username::from_str(name).ok().filter(|folded| folded.as_str() == name).map(Self::Username)
            }
            _ => None,
        };
        decode().ok_or(InvalidKey)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_read_back_as_written(user: u128, device in "[A-Za-z0-9_-]{1,64}", name in "[a-z][a-z0-9_.]{2,31}") {
            let user = UserId::from_bits(user);
            for key in [
                SocialKey::Account(user),
                SocialKey::Session(user, device.parse().unwrap()),
                SocialKey::Username(name.parse().unwrap()),
            ] {
                let (pk, sk) = key.encode();
                prop_assert_eq!(SocialKey::decode(&pk, &sk), Ok(key));
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (pk, sk) in
            [("", ""), ("user#x", "account"), ("name#Alice", "name"), ("name#alice", "account"), ("alice", "name")]
        {
            assert_eq!(SocialKey::decode(pk, sk), Err(InvalidKey), "{pk} {sk}");
        }
    }
}
