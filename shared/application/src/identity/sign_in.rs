//! Sign in: a session of one device, and the end of those that the deployment's policy does not allow beside it.

use tidings_domain::identity::{Password, Username};
use tidings_domain::ids::UserId;
use tidings_domain::login::{KickReason, LoginPolicy};
use tidings_domain::time::Timestamp;

use super::kick::{Ended, Kick};
use super::ports::{
    AccountRead, AccountRehash, PasswordHasher, RefreshTokens, SessionEnd, SessionList, SessionWrite, SignTokens,
    Verified,
};
use super::records::{Account, Card, Device, Lifetimes, Token};
use super::session::{Session, SessionId};
use crate::clock::{Clock, Random};
use crate::error::PortError;
use crate::ports::{Gateway, RouteLeave, RouteRead, RouteRevoke};

/// A user id that nobody has: signing up never gives out a time this old.
const NOBODY: UserId = UserId::from_bits(0);

/// Signs people in.
#[derive(Clone, Debug)]
pub struct SignIn<S, H, K, C, R, G> {
    /// The accounts and sessions.
    pub store: S,
    /// Verifies passwords.
    pub hasher: H,
    /// Signs and seals tokens.
    pub keys: K,
    /// Time and chance.
    pub clock: C,
    /// How long tokens are good for.
    pub lifetimes: Lifetimes,
    /// On how many devices at once.
    pub policy: LoginPolicy,
    /// Ends the others.
    pub kick: Kick<S, R, G, C>,
}

/// Who says they are who, on which device.
#[derive(Clone, Debug)]
pub struct SignInCommand {
    /// The name.
    pub username: Username,
    /// The secret.
    pub password: Password,
    /// The device.
    pub device: Device,
}

/// Tokens of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// Proves to every function who asks.
    pub access_token: Token,
    /// Gets the next pair.
    pub refresh_token: Token,
    /// Life of the access token, in seconds.
    pub expires_in_s: u64,
    /// Who signed in.
    pub card: Card,
}

/// Why nobody was signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name is unknown or the password is another one; which of them is not told.
    #[error("wrong user name or password")]
    Refused,
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S, H, K, C, R, G> SignIn<S, H, K, C, R, G>
where
    S: AccountRead + AccountRehash + SessionWrite + SessionList + SessionEnd,
    H: PasswordHasher,
    K: SignTokens + RefreshTokens,
    C: Clock + Random,
    R: RouteRead + RouteLeave + RouteRevoke,
    G: Gateway,
{
    /// Checks the password and starts a session, in place of the one that the device had and of those that the policy
    /// does not allow beside it.
    pub async fn run(&self, command: SignInCommand) -> Result<SignedIn, SignInError> {
        let SignInCommand { username, password, device } = command;
        let account = self.verified(&username, &password).await?.ok_or(SignInError::Refused)?;
        let now = self.clock.now();
        let session = Session {
            user: account.user,
            device: device.id,
            name: device.name,
            platform: device.platform,
            id: SessionId::from_bits(self.clock.bits()),
            generation: 1,
            created_at: now,
            rotated_at: now,
            expires_at: now.plus_millis(self.lifetimes.refresh_token_s.saturating_mul(1_000)),
        };
        self.store.put(&session).await?;
        // Before anybody else is displaced by a session that may have to go.
        self.look_again(&session, &account).await?;
        self.displace(&session).await?;
        Ok(tokens(&self.keys, &session, &account, now, self.lifetimes)?)
    }

    /// Applies the policy, after the session was written: of several sign-ins at once one stays (see
    /// [`LoginPolicy::displaced`]). A session that a faster one displaces is over when its tokens are given out, as if
    /// the other sign-in had come a moment later. Should this fail, the client signs in again, and that ends the rest.
    async fn displace(&self, new: &Session) -> Result<(), PortError> {
        if self.policy == LoginPolicy::Unlimited {
            return Ok(());
        }
        let routes = self.kick.routes.of(new.user).await?;
        let sessions = self.store.sessions(new.user).await?;
        let displaced = self.policy.displaced(new, &sessions, |one| (one.platform, (one.created_at, one.id.bits())));
        let ended: Vec<_> =
            displaced.into_iter().map(|one| Ended { device: one.device.clone(), session: one.id }).collect();
        self.kick.run(new.user, &ended, &routes, KickReason::LoginPolicy).await
    }

    /// A password that is changed, and an account that is closed, end all sessions that there are by then. One that was
    /// on its way looks again once it is there, and ends by itself.
    async fn look_again(&self, session: &Session, account: &Account) -> Result<(), PortError> {
        let present = self.store.account(account.user).await?;
        if present.is_some_and(|present| present.password_hash == account.password_hash) {
            return Ok(());
        }
        self.store.end(session.user, &session.device, session.id).await?;
        Err(PortError::retryable("the account changed during the sign-in"))
    }

    /// The account of that name, if the password is its own. An unknown name takes the same reads and the same
    /// hashing as a wrong password.
    async fn verified(&self, username: &Username, password: &Password) -> Result<Option<Account>, PortError> {
        let user = self.store.user_named(username).await?;
        let account = self.store.account(user.unwrap_or(NOBODY)).await?;
        let hash = account.as_ref().map(|account| &account.password_hash);
        let verified = self.hasher.verify(password, hash).await?;
        let Some(mut account) = account.filter(|_| verified != Verified::No) else { return Ok(None) };
        if verified == Verified::Outdated {
            // Now is the only time that the password is known. A failure is not passed over: the session below is
            // written to the same table, with the same permission.
            let new = self.hasher.hash(password).await?;
            if self.store.rehash(account.user, &account.password_hash, &new).await? {
                account.password_hash = new;
            }
        }
        Ok(Some(account))
    }
}

/// The tokens of a session's present generation.
pub(super) fn tokens<K: SignTokens + RefreshTokens>(
    keys: &K,
    session: &Session,
    account: &Account,
    now: Timestamp,
    lifetimes: Lifetimes,
) -> Result<SignedIn, PortError> {
    Ok(SignedIn {
        access_token: keys.sign_access_token(&session.principal(), now, lifetimes.access_token_s)?,
        refresh_token: keys.seal(&session.refresh_claims()),
        expires_in_s: lifetimes.access_token_s,
        card: account.card(),
    })
}
