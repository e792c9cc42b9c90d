//! Ids are types, never bare strings. Each has one spelling; anything else does not parse.

use std::fmt;
use std::str::FromStr;

use ulid::Ulid;

use crate::time::Timestamp;

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidId {
    /// Not `u_` and a ULID.
    User,
    /// Not `g_` and a ULID.
    Group,
    /// Not a ULID.
    Client,
    /// None of `d:<user>:<user>`, `g:<group>`, `n:<user>`, or the users of a direct conversation are unsorted.
    Conversation,
    /// Not 1 to 64 of `A-Z a-z 0-9 _ -`.
    Device,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "a user id is `u_` and a ULID",
            Self::Group => "a group id is `g_` and a ULID",
            Self::Client => "a client id is a ULID in capitals",
            Self::Conversation => "a conversation id is `d:<lower user>:<higher user>`, `g:<group>` or `n:<user>`",
            Self::Device => "a device id is 1 to 64 of A-Z a-z 0-9 _ -",
        })
    }
}

impl std::error::Error for InvalidId {}

/// Parses the one spelling of a ULID: 26 characters of Crockford's alphabet in capitals. The library also takes
/// small letters and look-alikes; two spellings of one id would be two partition keys.
pub(crate) fn parse_ulid(text: &str) -> Option<Ulid> {
    let ulid = Ulid::from_string(text).ok()?;
    let mut buffer = [0; ulid::ULID_LEN];
    (ulid.array_to_str(&mut buffer) == text).then_some(ulid)
}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $error:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// The id with these 128 bits: 48 of time in milliseconds, 80 of anything.
            pub const fn from_bits(bits: u128) -> Self {
                Self(Ulid(bits))
            }

            /// The 128 bits of the id.
            pub const fn bits(self) -> u128 {
                self.0.0
            }

            /// The time in the id.
            pub const fn time(self) -> Timestamp {
                Timestamp::from_millis(self.0.timestamp_ms())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix($prefix)
                    .and_then(parse_ulid)
                    .map(Self)
                    .ok_or(InvalidId::$error)
            }
        }
    };
}

ulid_id!(
    /// A person: `u_<ULID>`.
    UserId, "u_", User
);
ulid_id!(
    /// A group: `g_<ULID>`.
    GroupId, "g_", Group
);
ulid_id!(
    /// What the client calls a message or another changing action: a ULID, never used twice by one sender in one
    /// conversation (IDEM-1).
    ClientId, "", Client
);

impl ClientId {
    /// A client id for something composed at `at`; `random` fills the other 80 bits.
    pub const fn new(at: Timestamp, random: u128) -> Self {
        Self(Ulid::from_parts(at.as_millis(), random))
    }
}

/// A conversation. There is no creation step: two people's ids name their direct conversation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationId {
    /// `d:<lower user>:<higher user>`. With both the same it is one's own notes.
    Direct(Pair),
    /// `g:<group>`.
    Group(GroupId),
    /// `n:<user>`: what the system tells one user. Only use cases append to it.
    Notices(UserId),
}

/// Two users in order, possibly the same one twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    lower: UserId,
    higher: UserId,
}

impl Pair {
    /// The two users in order.
    pub fn new(one: UserId, other: UserId) -> Self {
        Self { lower: one.min(other), higher: one.max(other) }
    }

    /// Both users, lower first. They are the same in one's own notes.
    pub const fn users(self) -> [UserId; 2] {
        [self.lower, self.higher]
    }

    /// Which counter of the pair belongs to `user`: 0 for the lower, 1 for the higher, `None` for anybody else.
    pub fn index(self, user: UserId) -> Option<usize> {
        self.users().iter().position(|member| *member == user)
    }

    /// The other one; in one's own notes oneself. `None` for anybody outside.
    pub fn peer(self, user: UserId) -> Option<UserId> {
        self.index(user).map(|index| self.users()[1 - index])
    }
}

impl ConversationId {
    /// The direct conversation of two users; with the same user twice one's own notes.
    pub fn direct(one: UserId, other: UserId) -> Self {
        Self::Direct(Pair::new(one, other))
    }

    /// The other user of a direct conversation, as `user` sees it.
    pub fn peer(self, user: UserId) -> Option<UserId> {
        match self {
            Self::Direct(pair) => pair.peer(user),
            Self::Group(_) | Self::Notices(_) => None,
        }
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct(pair) => write!(f, "d:{}:{}", pair.lower, pair.higher),
            Self::Group(group) => write!(f, "g:{group}"),
            Self::Notices(user) => write!(f, "n:{user}"),
        }
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConversationId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let parse = || match text.split_once(':')? {
            ("d", users) => {
                let (lower, higher) = users.split_once(':')?;
                let pair = Pair { lower: lower.parse().ok()?, higher: higher.parse().ok()? };
                (pair.lower <= pair.higher).then_some(Self::Direct(pair))
            }
            ("g", group) => group.parse().ok().map(Self::Group),
            ("n", user) => user.parse().ok().map(Self::Notices),
            _ => None,
        };
        parse().ok_or(InvalidId::Conversation)
    }
}

/// A device of one user, named by its client when it is installed: 1 to 64 of `A-Z a-z 0-9 _ -`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(String);

impl DeviceId {
    /// Longest device id, in characters; a UUID with a prefix fits twice.
    pub const MAX: usize = 64;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DeviceId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=Self::MAX).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        (fits && plain).then(|| Self(text.to_owned())).ok_or(InvalidId::Device)
    }
}

/// The gateway's name for one open socket. Opaque.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(String);

impl ConnectionId {
    /// Wraps what the gateway said.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as the gateway spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_reads_back_as_written(a: u128, b: u128) {
            let (one, other) = (UserId::from_bits(a), UserId::from_bits(b));
            prop_assert_eq!(one.to_string().parse(), Ok(one));
            prop_assert_eq!(ClientId::from_bits(a).to_string().parse(), Ok(ClientId::from_bits(a)));
            for id in [
                ConversationId::direct(one, other),
                ConversationId::Group(GroupId::from_bits(b)),
                ConversationId::Notices(one),
            ] {
                prop_assert_eq!(id.to_string().parse(), Ok(id));
            }
        }

        #[test]
        fn a_direct_conversation_has_one_name(a: u128, b: u128) {
            let (one, other) = (UserId::from_bits(a), UserId::from_bits(b));
            prop_assert_eq!(ConversationId::direct(one, other), ConversationId::direct(other, one));
            prop_assert_eq!(ConversationId::direct(one, other).peer(one), Some(other));
        }

        #[test]
        fn order_of_ids_is_order_of_their_texts(a: u128, b: u128) {
            let (one, other) = (UserId::from_bits(a), UserId::from_bits(b));
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let a = "u_01ARZ3NDEKTSV4RRFFQ69G5FAV";
        let b = "u_01BX5ZZKBKACTAV9WEVGEMMVRZ";
        for bad in [
            String::new(),
            "d:".into(),
            format!("d:{a}"),
            format!("d:{b}:{a}"),
            format!("d:{a}:{b}:{b}"),
            format!("d:{}:{b}", a.to_lowercase()),
            format!("d:{a}:{b} "),
            format!("n:{a}:{b}"),
            format!("g:{a}"),
            format!("x:{a}"),
            "d:u_81ARZ3NDEKTSV4RRFFQ69G5FAV:u_81ARZ3NDEKTSV4RRFFQ69G5FAV".into(),
        ] {
            assert_eq!(bad.parse::<ConversationId>(), Err(InvalidId::Conversation), "{bad}");
        }
        for bad in ["", "a b", "é", "a/b", &"x".repeat(65)] {
            assert_eq!(bad.parse::<DeviceId>(), Err(InvalidId::Device), "{bad}");
        }
    }
}
