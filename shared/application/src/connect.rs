//! `$connect` and `$disconnect`.

use tidings_domain::connect::{Answer, Call, Connect, Seen, Step};
use tidings_domain::ids::{ConnectionId, DeviceId, UserId};
use tidings_domain::route::Route;

use crate::error::PortError;
use crate::ports::{Gateway, RouteWrite};

/// Lets a device come online.
#[derive(Debug)]
pub struct ConnectDevice<R, G> {
    /// The routes.
    pub routes: R,
    /// The sockets, for the one that is replaced.
    pub gateway: G,
}

impl<R: RouteWrite, G: Gateway> ConnectDevice<R, G> {
    /// Whether the socket may come up.
    pub async fn run(&self, route: Route) -> Answer {
        let own = route.clone();
        let (mut connect, mut step) = Connect::start(route);
        loop {
            match step {
                Step::Done(answer) => return answer,
                Step::Call(call) => {
                    let seen = self.make(&own, call).await.unwrap_or(Seen::Failed);
                    step = connect.next(seen);
                }
            }
        }
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
pub struct DisconnectDevice<R> {
    /// The routes.
    pub routes: R,
}

impl<R: RouteWrite> DisconnectDevice<R> {
    /// Deletes the device's route, if it is still this connection's.
    pub async fn run(&self, user: UserId, device: &DeviceId, connection: &ConnectionId) -> Result<(), PortError> {
        self.routes.release(user, device, connection).await.map(drop)
    }
}
