//! Who may open a socket. No table is read: the ticket was checked when it was issued, seconds ago.

use std::collections::HashSet;

use tidings_domain::ids::UserId;
use tidings_domain::time::Timestamp;

use super::ports::VerifyTickets;
use super::records::Principal;
use crate::clock::Clock;

/// Admits tickets.
#[derive(Clone, Debug)]
pub struct Admit<K, C> {
    /// Verifies.
    pub keys: K,
    /// Time.
    pub clock: C,
    /// Who is kept out whatever their ticket says; for emergencies, since it changes only with the deployment.
    pub denied: HashSet<UserId>,
}

/// Whom a socket belongs to. Every later event of the socket carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// Who.
    pub principal: Principal,
    /// When the ticket was issued.
    pub ticket_at: Timestamp,
}

/// Why a socket is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdmitError {
    /// The ticket is forged, malformed, of another kind, or too old.
    #[error("no valid ticket")]
    NoTicket,
    /// The user is on the deny list.
    #[error("on the deny list")]
    Denied,
}

impl<K: VerifyTickets, C: Clock> Admit<K, C> {
    /// Whom the ticket lets in.
    pub fn run(&self, ticket: &str) -> Result<Admitted, AdmitError> {
        let (principal, ticket_at) = self.keys.verify_ticket(ticket, self.clock.now()).ok_or(AdmitError::NoTicket)?;
        if self.denied.contains(&principal.user) {
            return Err(AdmitError::Denied);
        }
        Ok(Admitted { principal, ticket_at })
    }
}
