//! Keys of the `social` table.

use std::fmt;
use std::str::FromStr;

use tidings_domain::group::LinkCode;
use tidings_domain::identity::Username;
use tidings_domain::ids::{ClientId, DeviceId, GroupId, UserId};

/// A key of the `social` table. The variants are the table's whole schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SocialKey {
    /// `user#<user>` / `account`: the account.
    Account(UserId),
    /// `user#<user>` / `session#<device>`: the session of one device.
    Session(UserId, DeviceId),
    /// `user#<user>` / `sign_out#<client id>`: what a request signed out.
    SignOut(UserId, ClientId),
    /// `user#<user>` / `contact#<peer>`: what the user has of another person.
    Contact(UserId, UserId),
    /// `name#<username>` / `name`: whose a user name is.
    Username(Username),
    /// `group#<group>` / `group`: the group.
    Group(GroupId),
    /// `group#<group>` / `asking#<user>`: somebody asks to become a member, or is invited.
    Asking(GroupId, UserId),
    /// `group#<group>` / `link#<code>`: a link that lets people in.
    Link(GroupId, LinkCode),
    /// `members#<group>#<bucket>` / `<user>`: a member. Buckets spread large groups over partitions.
    Member(GroupId, u32, UserId),
    /// `names#<first two letters>` / `<username>`: the public card of who has a user name, where a search finds it.
    ///
    /// All names with one beginning share a partition, which takes 1,000 write units a second: 500 people a second who
    /// sign up, are renamed or change their card, as each is a transaction's write.
    Listed(Username),
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

/// What the sort keys of all sessions of a person begin with.
pub const SESSIONS: &str = "session#";

impl SocialKey {
    /// The partition of what belongs to a person.
    pub fn partition_of(user: UserId) -> String {
        format!("user#{user}")
    }

    /// Partition and sort key.
    pub fn encode(&self) -> (String, String) {
        match self {
            Self::Account(user) => (Self::partition_of(*user), "account".to_owned()),
            Self::Session(user, device) => (Self::partition_of(*user), format!("{SESSIONS}{device}")),
            Self::SignOut(user, request) => (Self::partition_of(*user), format!("sign_out#{request}")),
            Self::Contact(user, peer) => (Self::partition_of(*user), format!("{CONTACT}{peer}")),
            Self::Username(name) => (format!("name#{name}"), "name".to_owned()),
            Self::Group(group) => (format!("group#{group}"), "group".to_owned()),
            Self::Asking(group, user) => (format!("group#{group}"), format!("{ASKING}{user}")),
            Self::Link(group, code) => (format!("group#{group}"), format!("{LINK}{code}")),
            Self::Member(group, bucket, user) => (format!("members#{group}#{bucket}"), user.to_string()),
            Self::Listed(name) => (Self::list(name.beginning()), name.to_string()),
        }
    }

    /// The partition of the names that begin so.
    pub fn list(beginning: &str) -> String {
        format!("names#{beginning}")
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(pk: &str, sk: &str) -> Result<Self, InvalidKey> {
        let decode = || match (pk.split_once('#')?, sk.split_once('#')) {
            (("user", user), None) if sk == "account" => Some(Self::Account(user.parse().ok()?)),
            (("user", user), Some(("session", device))) => {
                Some(Self::Session(user.parse().ok()?, DeviceId::from_str(device).ok()?))
            }
            (("user", user), Some(("contact", peer))) => Some(Self::Contact(user.parse().ok()?, peer.parse().ok()?)),
            (("user", user), Some(("sign_out", request))) => {
                Some(Self::SignOut(user.parse().ok()?, request.parse().ok()?))
            }
            (("group", group), None) if sk == "group" => Some(Self::Group(group.parse().ok()?)),
            (("group", group), Some(("asking", user))) => Some(Self::Asking(group.parse().ok()?, user.parse().ok()?)),
            (("group", group), Some(("link", code))) => Some(Self::Link(group.parse().ok()?, code.parse().ok()?)),
            (("members", bucket), None) => {
                let (group, bucket) = bucket.split_once('#')?;
                Some(Self::Member(group.parse().ok()?, number(bucket)?, sk.parse().ok()?))
            }
            (("name", name), None) if sk == "name" => username(name).map(Self::Username),
            (("names", beginning), None) => username(sk).filter(|name| name.beginning() == beginning).map(Self::Listed),
            _ => None,
        };
        decode().ok_or(InvalidKey)
    }
}

/// What the sort keys of all contacts of a person begin with.
pub const CONTACT: &str = "contact#";

/// What the sort keys of all requests and invitations of a group begin with.
pub const ASKING: &str = "asking#";

/// What the sort keys of all links of a group begin with.
pub const LINK: &str = "link#";

/// The one spelling of a number.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// A user name as it is stored: folded.
fn username(text: &str) -> Option<Username> {
    Username::from_str(text).ok().filter(|folded| folded.as_str() == text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_read_back_as_written(user: u128, request: u128, device in "[A-Za-z0-9_-]{1,64}", name in "[a-z][a-z0-9_.]{2,31}", bits: u128, bucket: u32) {
            let (user, group) = (UserId::from_bits(user), GroupId::from_bits(bits));
            for key in [
                SocialKey::Account(user),
                SocialKey::Session(user, device.parse().unwrap()),
                SocialKey::SignOut(user, ClientId::from_bits(request)),
                SocialKey::Contact(user, UserId::from_bits(bits)),
                SocialKey::Username(name.parse().unwrap()),
                SocialKey::Group(group),
                SocialKey::Asking(group, user),
                SocialKey::Link(group, LinkCode::from_bits(bits)),
                SocialKey::Member(group, bucket, user),
                SocialKey::Listed(name.parse().unwrap()),
            ] {
                let (pk, sk) = key.encode();
                prop_assert_eq!(SocialKey::decode(&pk, &sk), Ok(key));
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (pk, sk) in [
            ("", ""),
            ("user#x", "account"),
            ("name#Alice", "name"),
            ("name#alice", "account"),
            ("alice", "name"),
            ("members#g_01JD0000000000000000000G00#01", "u_01JD0000000000000000000A00"),
            ("names#al", "Alice"),
            ("names#be", "alice"),
            ("names#alice", "alice"),
        ] {
            assert_eq!(SocialKey::decode(pk, sk), Err(InvalidKey), "{pk} {sk}");
        }
    }
}
