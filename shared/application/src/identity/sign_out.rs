//! Signing devices out, from whichever device of the person.

use tidings_domain::ids::{ClientId, DeviceId, UserId};
use tidings_domain::limits::SIGN_OUT_KEPT_MS;
use tidings_domain::login::KickReason;
use tidings_domain::time::Timestamp;

use super::kick::{Ended, Kick};
use super::ports::{SessionEnd, SessionList, SignOutBegin};
use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{Gateway, RouteLeave, RouteRead, RouteRevoke};

/// Who is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignOutWhom {
    /// This device.
    Device(DeviceId),
    /// All but the one that asks.
    Others,
}

/// A request, with the sessions that it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignOut {
    /// Whose devices.
    pub user: UserId,
    /// The request's name.
    pub client_id: ClientId,
    /// What was asked.
    pub whom: SignOutWhom,
    /// What it came to.
    pub ended: Vec<Ended>,
    /// Until when it is remembered.
    pub kept_until: Timestamp,
}

/// Signs devices out.
#[derive(Clone, Debug)]
pub struct SignOutDevices<S, R, G, C> {
    /// Sessions, routes and sockets.
    pub kick: Kick<S, R, G, C>,
}

/// Why nobody was signed out.
#[derive(Debug, thiserror::Error)]
pub enum SignOutError {
    /// No such device is signed in.
    #[error("no such device")]
    NotFound,
    /// The client id names another request.
    #[error("this client id has another body")]
    ClientIdReused,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S, R, G, C> SignOutDevices<S, R, G, C>
where
    S: SessionList + SessionEnd + SignOutBegin,
    R: RouteRead + RouteLeave + RouteRevoke,
    G: Gateway,
    C: Clock,
{
    /// The devices that were signed out. What a request ends is written down before anything is ended: asked again, it
    /// ends the same sessions, and spares a device that was signed in again meanwhile.
    pub async fn run(
        &self,
        user: UserId,
        asking: &DeviceId,
        client_id: ClientId,
        whom: SignOutWhom,
    ) -> Result<Vec<DeviceId>, SignOutError> {
        let Kick { sessions: store, routes, clock, .. } = &self.kick;
        let routes = routes.of(user).await?;
        let sessions = store.sessions(user).await?;
        let now = clock.now();
        let meant = |device: &DeviceId| match &whom {
            SignOutWhom::Device(named) => device == named,
            SignOutWhom::Others => device != asking,
        };
        let alive = sessions.iter().filter(|session| now < session.expires_at && meant(&session.device));
        let ended: Vec<_> = alive.map(|one| Ended { device: one.device.clone(), session: one.id }).collect();
        let unknown = ended.is_empty() && matches!(whom, SignOutWhom::Device(_));
        let kept_until = now.plus_millis(SIGN_OUT_KEPT_MS);
        let asked = SignOut { user, client_id, whom, ended, kept_until };
        let begun = store.begin(&asked).await?;
        if begun.whom != asked.whom {
            return Err(SignOutError::ClientIdReused);
        }
        if unknown && begun.ended.is_empty() {
            return Err(SignOutError::NotFound);
        }
        // A device with another session than the one meant was signed in again: it is not asked about any more.
        let again = |ended: &Ended| sessions.iter().any(|one| one.device == ended.device && one.id != ended.session);
        let due: Vec<_> = begun.ended.iter().filter(|ended| !again(ended)).cloned().collect();
        self.kick.run(user, &due, &routes, KickReason::SignedOut).await?;
        Ok(begun.ended.into_iter().map(|ended| ended.device).collect())
    }
}
