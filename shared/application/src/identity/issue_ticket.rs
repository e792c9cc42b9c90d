//! A ticket for one socket of a device. Here, and not where sockets open, it is checked whether the session still
//! exists; a ticket is too short-lived to matter after that.

use super::ports::{SessionRead, SignTokens};
use super::records::{Principal, Token};
use crate::clock::Clock;
use crate::error::PortError;

/// Issues tickets.
#[derive(Clone, Debug)]
pub struct IssueTicket<S, K, C> {
    /// The sessions.
    pub sessions: S,
    /// Signs.
    pub keys: K,
    /// Time.
    pub clock: C,
    /// How long a ticket is good for, in seconds.
    pub ttl_s: u64,
}

/// A ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedTicket {
    /// What opens the socket.
    pub ticket: Token,
    /// Its life, in seconds.
    pub expires_in_s: u64,
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum IssueTicketError {
    /// The session expired, was signed out or was replaced since the access token was signed.
    #[error("the session has ended")]
    Ended,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S: SessionRead, K: SignTokens, C: Clock> IssueTicket<S, K, C> {
    /// A ticket for whom an access token vouched.
    pub async fn run(&self, principal: &Principal) -> Result<IssuedTicket, IssueTicketError> {
        // Before the read: a session that this finds alive ends later than `ticket_at`, and whoever ends one spends all
        // tickets up to then. So no ticket outlives its session.
        let now = self.clock.now();
        let session = self.sessions.session(principal.user, &principal.device).await?;
        let session = session.filter(|session| session.is_alive(principal.session, now));
        let session = session.ok_or(IssueTicketError::Ended)?;
        let ticket = self.keys.sign_ticket(&session.principal(), now, self.ttl_s)?;
        Ok(IssuedTicket { ticket, expires_in_s: self.ttl_s })
    }
}
