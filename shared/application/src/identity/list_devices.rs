//! The devices that a person is signed in on.

use futures_util::future::try_join;
use tidings_domain::ids::UserId;
use tidings_domain::time::Timestamp;

use super::ports::SessionList;
use super::session::Session;
use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::SightingRead;

/// Lists devices.
#[derive(Clone, Debug)]
pub struct ListDevices<S, R, C> {
    /// The sessions.
    pub sessions: S,
    /// When devices were seen.
    pub routes: R,
    /// The time.
    pub clock: C,
}

/// A device that is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInDevice {
    /// Its session.
    pub session: Session,
    /// When it last connected, disconnected or renewed its tokens.
    pub last_seen: Timestamp,
    /// Whether it is connected.
    pub online: bool,
}

impl<S: SessionList, R: SightingRead, C: Clock> ListDevices<S, R, C> {
    /// All of them, the one seen last first.
    pub async fn run(&self, user: UserId) -> Result<Vec<SignedInDevice>, PortError> {
        let (sessions, sightings) = try_join(self.sessions.sessions(user), self.routes.sightings(user)).await?;
        let now = self.clock.now();
        let alive = sessions.into_iter().filter(|session| now < session.expires_at);
        let mut devices: Vec<_> = alive
            .map(|session| {
                let sighting = sightings.iter().find(|sighting| sighting.device == session.device);
                let seen_at = sighting.and_then(|sighting| sighting.seen_at);
                SignedInDevice {
                    last_seen: seen_at.max(Some(session.rotated_at)).unwrap_or(session.rotated_at),
                    online: sighting.is_some_and(|sighting| sighting.online(now)),
                    session,
                }
            })
            .collect();
        devices.sort_by_key(|device| std::cmp::Reverse((device.online, device.last_seen)));
        Ok(devices)
    }
}
