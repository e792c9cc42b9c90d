//! A person's public card, by id or by user name.

use tidings_domain::identity::Username;
use tidings_domain::ids::UserId;

use super::ports::AccountRead;
use super::records::Card;
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

/// Why there is no card.
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
    /// The card of whoever is looked for.
    pub async fn run(&self, who: Who) -> Result<Card, GetUserError> {
        let user = match who {
            Who::User(user) => user,
            Who::Username(name) => self.accounts.user_named(&name).await?.ok_or(GetUserError::NotFound)?,
        };
        let account = self.accounts.account(user).await?;
        Ok(account.ok_or(GetUserError::NotFound)?.card())
    }
}
