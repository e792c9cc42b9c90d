//! Ending sessions: with the connections of their devices, and with every ticket that they still have.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tidings_domain::delivery::Event;
use tidings_domain::ids::{DeviceId, UserId};
use tidings_domain::login::KickReason;
use tidings_domain::route::Route;

use super::ports::{SessionEnd, SessionList};
use super::session::SessionId;
use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{Gateway, RouteLeave, RouteRead, RouteRevoke};

/// Devices worked on at once.
const AT_ONCE: usize = 16;

/// Which session of which device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The device.
    pub device: DeviceId,
    /// Its session.
    pub session: SessionId,
}

/// Ends sessions of devices that may be connected.
#[derive(Clone, Debug)]
pub struct Kick<S, R, G, C> {
    /// The sessions.
    pub sessions: S,
    /// The routes.
    pub routes: R,
    /// The sockets.
    pub gateway: G,
    /// The time.
    pub clock: C,
}

impl<S, R, G, C> Kick<S, R, G, C>
where
    S: SessionEnd,
    R: RouteLeave + RouteRevoke,
    G: Gateway,
    C: Clock,
{
    /// Ends them. `routes` are the person's, read before these sessions were: a route is then never of a later session
    /// than the one that is ended with it. The same again is safe, and finishes what stopped half-way.
    pub async fn run(
        &self,
        user: UserId,
        ended: &[Ended],
        routes: &[Route],
        reason: KickReason,
    ) -> Result<(), PortError> {
        let route_of = |ended: &Ended| routes.iter().find(|route| route.device == ended.device);
        let kicks: Vec<_> = ended.iter().map(|ended| self.one(user, ended, route_of(ended), reason)).collect();
        stream::iter(kicks).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await.map(drop)
    }

    /// Ends all sessions of a person but the one to `keep`.
    pub async fn all_but(&self, user: UserId, keep: Option<SessionId>, reason: KickReason) -> Result<(), PortError>
    where
        S: SessionList,
        R: RouteRead,
    {
        let routes = self.routes.of(user).await?;
        let sessions = self.sessions.sessions(user).await?;
        let ended = sessions.into_iter().filter(|one| Some(one.id) != keep);
        let ended: Vec<_> = ended.map(|one| Ended { device: one.device, session: one.id }).collect();
        self.run(user, &ended, &routes, reason).await
    }

    /// The connection first: were the session ended first and this died, nobody would look for the connection again.
    async fn one(
        &self,
        user: UserId,
        ended: &Ended,
        route: Option<&Route>,
        reason: KickReason,
    ) -> Result<(), PortError> {
        if let Some(route) = route {
            self.close(route, reason).await?;
            self.routes.leave(user, &route.device, &route.connection, self.clock.now()).await?;
        }
        if self.sessions.end(user, &ended.device, ended.session).await?.is_some() {
            // Signed in again: what connects from now on is of that session.
            return Ok(());
        }
        // After the end: whoever found the session alive has taken the time of its ticket before.
        match self.routes.revoke(user, &ended.device, self.clock.now()).await? {
            Some(late) => self.close(&late, reason).await,
            None => Ok(()),
        }
    }

    /// Whether it hears why does not matter; that it is closed does.
    async fn close(&self, route: &Route, reason: KickReason) -> Result<(), PortError> {
        self.gateway.post(&route.connection, &[Event::Kicked(reason)]).await;
        self.gateway.close(&route.connection).await
    }
}
