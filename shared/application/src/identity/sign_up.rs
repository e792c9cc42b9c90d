//! Sign up: a new account under a unique name.

use tidings_domain::identity::{DisplayName, Password, Username};
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::limits::CLOCK_SKEW_MS;
use tidings_domain::profile::Profile;
use tidings_domain::time::Timestamp;

use super::ports::{AccountCreate, AccountRead, Created, DeriveIds, PasswordHasher, Verified};
use super::records::{Account, Card};
use crate::clock::{Clock, Random};
use crate::error::PortError;

/// Creates accounts.
#[derive(Clone, Debug)]
pub struct SignUp<A, H, C> {
    /// The accounts.
    pub accounts: A,
    /// Hashes passwords and derives ids.
    pub hasher: H,
    /// Time and chance.
    pub clock: C,
    /// Whether anybody may sign up.
    pub open: bool,
}

/// A new person.
#[derive(Clone, Debug)]
pub struct SignUpCommand {
    /// What they sign in with.
    pub username: Username,
    /// Their secret.
    pub password: Password,
    /// For people.
    pub display_name: DisplayName,
    /// What the client calls the request. With it the request may be sent again (IDEM-1).
    pub client_id: Option<ClientId>,
}

/// Why nobody was signed up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// This deployment takes no sign-ups.
    #[error("sign-ups are closed")]
    Closed,
    /// The client's clock runs more than two minutes ahead of ours.
    #[error("the client id is from the future")]
    FromTheFuture {
        /// Our time.
        now: Timestamp,
    },
    /// Another person has the name.
    #[error("the user name is taken")]
    NameTaken,
    /// The same client id signed up before with another password or display name.
    #[error("this client id was used for another request")]
    ClientIdReused,
    /// The account that this request made was closed since.
    #[error("the account was closed")]
    Ended,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<A, H, C> SignUp<A, H, C>
where
    A: AccountRead + AccountCreate,
    H: PasswordHasher + DeriveIds,
    C: Clock + Random,
{
    /// Signs somebody up, or finds that the same request did so before.
    pub async fn run(&self, command: SignUpCommand) -> Result<Card, SignUpError> {
        if !self.open {
            return Err(SignUpError::Closed);
        }
        let now = self.clock.now();
        let user = self.user_id(&command, now)?;
        let SignUpCommand { username, password, display_name, client_id: _ } = command;
        let password_hash = self.hasher.hash(&password).await?;
        let profile = Profile::new(display_name);
        let account =
            Account { user, username, profile, password_hash, created_at: now, version: 0, changes: Vec::new() };
        match self.accounts.create(&account).await? {
            Created::Yes => Ok(account.card()),
            Created::Known => self.answer_again(&account, &password).await,
            Created::NameTaken => Err(SignUpError::NameTaken),
        }
    }

    fn user_id(&self, command: &SignUpCommand, now: Timestamp) -> Result<UserId, SignUpError> {
        let Some(client_id) = command.client_id else {
            return Ok(UserId::from_bits(ClientId::new(now, self.clock.bits()).bits()));
        };
        // The id carries the client id's time, so it must be a time that has been.
        if client_id.time() > now.plus_millis(CLOCK_SKEW_MS) {
            return Err(SignUpError::FromTheFuture { now });
        }
        Ok(self.hasher.user_id(&command.username, client_id))
    }

    /// The id is known: by this very request, sent before, whose answer was lost? It never makes an account again that
    /// was closed since.
    async fn answer_again(&self, wanted: &Account, password: &Password) -> Result<Card, SignUpError> {
        let first = self.accounts.account(wanted.user).await?.ok_or(SignUpError::Ended)?;
        let same_password = self.hasher.verify(password, Some(&first.password_hash)).await? != Verified::No;
        if same_password && first.profile.display_name == wanted.profile.display_name {
            Ok(first.card())
        } else {
            Err(SignUpError::ClientIdReused)
        }
    }
}
