//! `$connect` and `$disconnect`.

use tidings_domain::connect::{Answer, Call, Connect, Seen};
use tidings_domain::ids::{ConnectionId, DeviceId, UserId};
use tidings_domain::route::Route;

use crate::clock::Clock;
use crate::drive::drive;
use crate::error::PortError;
use crate::ports::{Gateway, RouteLeave, RouteWrite};

/// Lets a device come online.
#[derive(Debug)]
pub struct ConnectDevice<R, G, C> {
    /// The routes.
    pub routes: R,
    /// The sockets, for the one that is replaced.
    pub gateway: G,
    /// The time.
    pub clock: C,
}

impl<R: RouteWrite, G: Gateway, C: Clock> ConnectDevice<R, G, C> {
    /// Whether the socket may come up.
    pub async fn run(&self, route: Route) -> Answer {
        let own = route.clone();
        drive(Connect::start(route), &self.clock, |call| self.make(&own, call)).await
    }

    async fn make(&self, own: &Route, call: Call) -> Result<Seen, PortError> {
        Ok(match call {
            Call::Claim(route) => Seen::Claim(self.routes.claim(&route).await?),
            Call::Close(connection) => {
                // The loser has no route any more; if it cannot be closed it stays deaf until the gateway's limit.
                drop(self.gateway.close(&connection).await);
                Seen::Closed
            }
            Call::Release => {
                // Should it fail, the next ticket of the device replaces the route.
                drop(self.routes.release(own.user, &own.device, &own.connection).await);
                Seen::Released
            }
        })
    }
}

/// Notes that a socket closed.
#[derive(Debug)]
pub struct DisconnectDevice<R, C> {
    /// The routes.
    pub routes: R,
    /// The time, which is when the device was last seen.
    pub clock: C,
}

impl<R: RouteLeave, C: Clock> DisconnectDevice<R, C> {
    /// Releases the device's route, if it is still this connection's.
    pub async fn run(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> Result<(), PortError> {
        self.routes.leave(user, device, connection, self.clock.now()).await.map(drop)
    }
}
