//! A new password. It ends the person's sessions on all other devices: who knew the old one is out.

use tidings_domain::identity::Password;
use tidings_domain::login::KickReason;

use super::kick::Kick;
use super::ports::{AccountRead, AccountRehash, PasswordHasher, SessionEnd, SessionList, SessionRead, Verified};
use super::records::Principal;
use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{Gateway, RouteLeave, RouteRead, RouteRevoke};

/// Changes passwords.
#[derive(Clone, Debug)]
pub struct ChangePassword<S, H, C, R, G> {
    /// The accounts and sessions.
    pub store: S,
    /// Verifies and hashes passwords.
    pub hasher: H,
    /// Ends sessions, with their sockets, and tells the time.
    pub kick: Kick<S, R, G, C>,
}

/// Why the password stays.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The session that asks has ended, or its account was closed.
    #[error("the session has ended")]
    Ended,
    /// The password is neither the old one nor, as after a lost answer, the new one.
    #[error("wrong password")]
    WrongPassword,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S, H, C, R, G> ChangePassword<S, H, C, R, G>
where
    S: AccountRead + AccountRehash + SessionRead + SessionList + SessionEnd,
    H: PasswordHasher,
    C: Clock,
    R: RouteRead + RouteLeave + RouteRevoke,
    G: Gateway,
{
    /// Puts `new` in place of `old`, and ends every session but the one that asks. The same request again succeeds,
    /// and ends what is left.
    pub async fn run(&self, principal: &Principal, old: &Password, new: &Password) -> Result<(), ChangePasswordError> {
        // An access token outlives its session; who was signed out must not sign out others.
        let session = self.store.session(principal.user, &principal.device).await?;
        session
            .filter(|session| session.is_alive(principal.session, self.kick.clock.now()))
            .ok_or(ChangePasswordError::Ended)?;
        let account = self.store.account(principal.user).await?.ok_or(ChangePasswordError::Ended)?;
        let stands = &account.password_hash;
        if self.hasher.verify(old, Some(stands)).await? != Verified::No {
            let hash = self.hasher.hash(new).await?;
            if !self.store.rehash(account.user, stands, &hash).await? {
                return Err(PortError::retryable("the password was changed or hashed anew meanwhile").into());
            }
        } else if self.hasher.verify(new, Some(stands)).await? == Verified::No {
            return Err(ChangePasswordError::WrongPassword);
        }
        // After the change, and not before: a sign-in with the old password either is listed here, or sees the change
        // when it looks again.
        Ok(self.kick.all_but(principal.user, Some(principal.session), KickReason::PasswordChanged).await?)
    }
}
