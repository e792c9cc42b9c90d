//! The end of an account. Its row stays as a tombstone, so that no late repetition of its sign-up makes it anew; its
//! user name is free at once. Messages stay in their conversations, from a sender whom nobody can look up any more. Groups
//! are left, and contacts end.

use tidings_domain::identity::Password;
use tidings_domain::login::KickReason;

use super::kick::Kick;
use super::leave_all::LeaveEverything;
use super::ports::{AccountClose, AccountRead, PasswordHasher, SessionEnd, SessionList, Verified};
use super::records::Principal;
use crate::clock::Clock;
use crate::error::PortError;
use crate::ports::{Gateway, RouteLeave, RouteRead, RouteRevoke};

/// How often closing is tried that met a change of name or password.
const TRIES: usize = 3;

/// Ends accounts.
#[derive(Clone, Debug)]
pub struct DeleteAccount<S, H, C, R, G, E> {
    /// The accounts and sessions.
    pub store: S,
    /// Verifies passwords.
    pub hasher: H,
    /// Ends sessions, with their sockets, and tells the time.
    pub kick: Kick<S, R, G, C>,
    /// Undoes what ties the person to others.
    pub ties: E,
}

/// Why the account stays.
#[derive(Debug, thiserror::Error)]
pub enum DeleteAccountError {
    /// The password is another one.
    #[error("wrong password")]
    WrongPassword,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S, H, C, R, G, E> DeleteAccount<S, H, C, R, G, E>
where
    S: AccountRead + AccountClose + SessionList + SessionEnd,
    H: PasswordHasher,
    C: Clock,
    R: RouteRead + RouteLeave + RouteRevoke,
    G: Gateway,
    E: LeaveEverything,
{
    /// Closes the account for good, then takes away what hung on it, one step after the other. Each step may be done
    /// again, and a request for an account that is closed does all of them: so a repetition finishes what a crash left.
    pub async fn run(&self, principal: &Principal, password: &Password) -> Result<(), DeleteAccountError> {
        self.close(principal, password).await?;
        // A sign-in that is under way either is listed here, or sees that the account is closed when it looks again.
        self.kick.all_but(principal.user, None, KickReason::AccountDeleted).await?;
        // The longest comes last. What stops it is answered as retryable; the access token that asks is good for its minutes.
        Ok(self.ties.leave(principal.user).await?)
    }

    async fn close(&self, principal: &Principal, password: &Password) -> Result<(), DeleteAccountError> {
        for _ in 0..TRIES {
            // Without an account it is closed already: nobody else has tokens.
            let Some(account) = self.store.account(principal.user).await? else { return Ok(()) };
            if self.hasher.verify(password, Some(&account.password_hash)).await? == Verified::No {
                return Err(DeleteAccountError::WrongPassword);
            }
            if self.store.close(&account, self.kick.clock.now()).await? {
                return Ok(());
            }
        }
        Err(PortError::retryable("the account changed each time").into())
    }
}
