//! Keys of the `routes` table beside the routes themselves: who watches whom. Routes lie under the bare user id.

use std::fmt;
use std::str::FromStr;

use tidings_domain::ids::{DeviceId, UserId};

/// A key of a watch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WatchKey {
    /// `watchers#<user>` / `<watcher>#<device>`: that a device watches a person.
    Watcher(UserId, UserId, DeviceId),
    /// `watching#<watcher>` / `<device>`: everybody whom a device watches.
    Watching(UserId, DeviceId),
}

/// The text is no key of a watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a key of a watch")
    }
}

impl std::error::Error for InvalidKey {}

impl WatchKey {
    /// The partition of those who watch a person.
    pub fn watchers_of(user: UserId) -> String {
        format!("watchers#{user}")
    }

    /// Partition and sort key.
    pub fn encode(&self) -> (String, String) {
        match self {
            Self::Watcher(watched, watcher, device) => (Self::watchers_of(*watched), format!("{watcher}#{device}")),
            Self::Watching(watcher, device) => (format!("watching#{watcher}"), device.to_string()),
        }
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(partition: &str, sort: &str) -> Result<Self, InvalidKey> {
        let decode = || match (partition.split_once('#')?, sort.split_once('#')) {
            (("watchers", watched), Some((watcher, device))) => {
                Some(Self::Watcher(watched.parse().ok()?, watcher.parse().ok()?, device.parse().ok()?))
            }
            (("watching", watcher), None) => {
                Some(Self::Watching(watcher.parse().ok()?, DeviceId::from_str(sort).ok()?))
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
        fn keys_read_back_as_written(watched: u128, watcher: u128, device in "[A-Za-z0-9_-]{1,64}") {
            let (watched, watcher) = (UserId::from_bits(watched), UserId::from_bits(watcher));
            let device: DeviceId = device.parse().unwrap();
            for key in [WatchKey::Watcher(watched, watcher, device.clone()), WatchKey::Watching(watcher, device)] {
                let (partition, sort) = key.encode();
                prop_assert_eq!(WatchKey::decode(&partition, &sort), Ok(key));
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for (partition, sort) in [("", ""), ("u_01", "d"), ("watchers#x", "y#d"), ("watching#x", "d")] {
            assert_eq!(WatchKey::decode(partition, sort), Err(InvalidKey), "{partition} {sort}");
        }
    }
}
