//! Presence: who is online, when they last were, and who may know it.

use crate::contact::Relation;
use crate::ids::{ConnectionId, DeviceId, UserId};
use crate::profile::PresenceTo;
use crate::route::Route;
use crate::time::Timestamp;

/// What is known of a device's coming and going.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sighting {
    /// Which device.
    pub device: DeviceId,
    /// Where it is reached; it may have expired.
    pub route: Option<Route>,
    /// Up to when it is known to have been online, unless it still is. Only grows (MONO-1).
    pub seen_at: Option<Timestamp>,
}

impl Sighting {
    /// Whether the device is reached now.
    pub fn online(&self, now: Timestamp) -> bool {
        self.route.as_ref().is_some_and(|route| route.alive(now))
    }
}

/// A person's presence, over all their devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Presence {
    /// At least one device has a live route.
    Online,
    /// None has.
    Offline {
        /// When one last had, if that is known and may be told.
        last_seen: Option<Timestamp>,
    },
}

impl Presence {
    /// What those who may not know are told, and what nobody's is.
    pub const HIDDEN: Self = Self::Offline { last_seen: None };

    /// The presence of who has these devices.
    pub fn of(devices: &[Sighting], now: Timestamp) -> Self {
        if devices.iter().any(|device| device.online(now)) {
            return Self::Online;
        }
        Self::Offline { last_seen: devices.iter().filter_map(|device| device.seen_at).max() }
    }
}

/// Whether the viewer may know the owner's presence. Whom the owner blocks is a stranger. Every query and every push asks here.
pub fn visible(viewer: UserId, owner: UserId, audience: PresenceTo, relation: Relation) -> bool {
    viewer == owner
        || match audience {
            PresenceTo::Everybody => true,
            PresenceTo::Contacts => relation == Relation::Contact,
            PresenceTo::Nobody => false,
        }
}

/// A device that wants to be told of somebody's coming and going.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Watcher {
    /// Whose device.
    pub user: UserId,
    /// Which.
    pub device: DeviceId,
    /// Where it is told. A later connection of the device watches anew.
    pub connection: ConnectionId,
    /// Until when.
    pub until: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Platform;
    use crate::limits::ROUTE_TTL_MS;

    fn device(connected_at: Option<u64>, seen_at: Option<u64>) -> Sighting {
        let device: DeviceId = "d".parse().unwrap();
        let route = connected_at.map(|at| Route {
            user: UserId::from_bits(1),
            device: device.clone(),
            platform: Platform::Web,
            connection: ConnectionId::new("c"),
            ticket_at: Timestamp::from_millis(at),
            connected_at: Timestamp::from_millis(at),
        });
        Sighting { device, route, seen_at: seen_at.map(Timestamp::from_millis) }
    }

    #[test]
    fn one_live_route_is_online_and_none_is_when_last_seen() {
        let now = Timestamp::from_millis(ROUTE_TTL_MS + 7);
        let last_seen = |at: u64| Presence::Offline { last_seen: Some(Timestamp::from_millis(at)) };
        for (devices, want) in [
            (vec![], Presence::HIDDEN),
            (vec![device(None, None)], Presence::HIDDEN),
            (vec![device(Some(8), Some(8)), device(None, Some(9))], Presence::Online),
            (vec![device(None, Some(5)), device(None, Some(9)), device(None, None)], last_seen(9)),
            // A route that nobody took away when its connection ended.
            (vec![device(Some(7), Some(7)), device(None, Some(6))], last_seen(7)),
        ] {
            assert_eq!(Presence::of(&devices, now), want, "{devices:?}");
        }
    }

    #[test]
    fn who_may_see_whom() {
        let (one, other) = (UserId::from_bits(1), UserId::from_bits(2));
        for (audience, stranger, contact) in [
            (PresenceTo::Everybody, true, true),
            (PresenceTo::Contacts, false, true),
            (PresenceTo::Nobody, false, false),
        ] {
            for nobody in [Relation::Stranger, Relation::Blocked] {
                assert_eq!(visible(one, other, audience, nobody), stranger, "{audience:?} {nobody:?}");
            }
            assert_eq!(visible(one, other, audience, Relation::Contact), contact, "{audience:?}");
            assert!(visible(one, one, audience, Relation::Stranger), "oneself, {audience:?}");
        }
    }
}
