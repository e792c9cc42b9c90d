//! Routes: which connection a device is reached at.

use crate::identity::Platform;
use crate::ids::{ConnectionId, DeviceId, UserId};
use crate::limits::{GONE_GRACE_MS, ROUTE_TTL_MS};
use crate::time::Timestamp;

/// A device's connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// Whose device.
    pub user: UserId,
    /// Which device.
    pub device: DeviceId,
    /// Its class.
    pub platform: Platform,
    /// The gateway's name of the connection.
    pub connection: ConnectionId,
    /// When the ticket was issued. The later ticket has the device.
    pub ticket_at: Timestamp,
    /// When the route was written.
    pub connected_at: Timestamp,
}

impl Route {
    /// From when on nobody may use the route, whatever the table still holds.
    pub const fn expires_at(&self) -> Timestamp {
        self.connected_at.plus_millis(ROUTE_TTL_MS)
    }

    /// Whether it may still be used.
    pub fn alive(&self, now: Timestamp) -> bool {
        now < self.expires_at()
    }

    /// Whether a Gone proves that the connection is over. A post during `$connect` is answered Gone although the
    /// socket is coming up, so a young route is spared (MEET-1).
    pub const fn gone_is_final(&self, now: Timestamp) -> bool {
        now.millis_since(self.connected_at) > GONE_GRACE_MS
    }
}

/// What became of a conditional write of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// The device is reached here now; the connection it was reached at before, if any.
    Won(Option<Route>),
    /// The device has used the same ticket, or a later one: the route of that connection, if it is still up.
    Lost(Option<Route>),
}
