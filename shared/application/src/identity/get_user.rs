//! A person, by id or by user name, as whoever asks may see them.

use tidings_domain::identity::Username;
use tidings_domain::ids::UserId;
use tidings_domain::profile::Sight;

use super::ports::AccountRead;
use super::records::{Account, Card};
use crate::error::PortError;

/// Finds people.
#[derive(Clone, Debug)]
pub struct GetUser<A> {
    /// The accounts.
    pub accounts: A,
}

/// Who is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// By id.
    User(UserId),
    /// By name.
    Username(Username),
}

/// A person, as far as the viewer's [`Sight`] goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Oneself.
    Own(Account),
    /// What everybody sees.
    Card(Card),
}

/// Why nobody is seen.
#[derive(Debug, thiserror::Error)]
pub enum GetUserError {
    /// Nobody has this id or name.
    #[error("no such user")]
    NotFound,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<A: AccountRead> GetUser<A> {
    /// Whoever is looked for, as `viewer` sees them.
    pub async fn run(&self, viewer: UserId, who: Who) -> Result<Seen, GetUserError> {
        let user = match who {
            Who::User(user) => user,
            Who::Username(name) => self.accounts.user_named(&name).await?.ok_or(GetUserError::NotFound)?,
        };
        let account = self.accounts.account(user).await?.ok_or(GetUserError::NotFound)?;
        Ok(match Sight::of(viewer, user) {
            Sight::Own => Seen::Own(account),
            Sight::Stranger => Seen::Card(account.card()),
        })
    }
}
