//! What the use cases of identity need, one small trait per capability.

use std::future::Future;

use tidings_domain::identity::{Password, Username, UsernamePrefix};
use tidings_domain::ids::{ClientId, DeviceId, UserId};
use tidings_domain::time::Timestamp;

use super::records::{Account, Card, PasswordHash, Principal, Token};
use super::session::{RefreshClaims, Session, SessionId};
use super::sign_out::SignOut;
use crate::error::PortError;

/// Reads accounts, strongly consistent. One that was closed is not there.
pub trait AccountRead: Send + Sync {
    /// A person's account.
    fn account(&self, user: UserId) -> impl Future<Output = Result<Option<Account>, PortError>> + Send;
    /// Who has a user name.
    fn user_named(&self, username: &Username) -> impl Future<Output = Result<Option<UserId>, PortError>> + Send;
}

/// Finds people by how their user names begin, strongly consistent.
pub trait PeopleSearch: Send + Sync {
    /// The first `limit` of them above `after`, ascending by user name, and whether there are more. A name that is
    /// the prefix comes first by that order.
    fn search(
        &self,
        prefix: &UsernamePrefix,
        after: Option<&Username>,
        limit: usize,
    ) -> impl Future<Output = Result<(Vec<Card>, bool), PortError>> + Send;
}

/// Creates accounts.
pub trait AccountCreate: Send + Sync {
    /// Writes the account, claims its user name and lists its card for searches: all or nothing.
    fn create(&self, account: &Account) -> impl Future<Output = Result<Created, PortError>> + Send;
}

/// What became of a new account. Unless it is `Yes`, nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It exists now.
    Yes,
    /// An account has or had its id, perhaps by an earlier attempt of the same request.
    Known,
    /// Somebody else has its name.
    NameTaken,
}

/// Changes user names and profiles.
pub trait AccountUpdate: Send + Sync {
    /// Writes the user name, profile, version and changes of `after` on condition that the account is open and has the
    /// version of `before`, which is what was read of it. With it go the claim of a new name, the release of the old
    /// one and the listed card: all or nothing. The password is not touched.
    fn update(&self, before: &Account, after: &Account) -> impl Future<Output = Result<Updated, PortError>> + Send;
}

/// What became of a change. Unless it is `Yes`, nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// It is made.
    Yes,
    /// The account has another version by now, perhaps by this very change, or was closed.
    Stale,
    /// Somebody else has the new name.
    NameTaken,
}

/// Changes what an account's password is hashed to.
pub trait AccountRehash: Send + Sync {
    /// Replaces `old` by `new`; whether `new` stands now. Changes nothing if the hash is no longer `old`: then the
    /// password was changed, another sign-in was faster, or the account was closed.
    fn rehash(
        &self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// Closes accounts.
pub trait AccountClose: Send + Sync {
    /// Leaves nothing of the account but that there was one, releases its user name and takes it off the list: all or
    /// nothing, on condition that name and password are still those of `account`. Whether it is closed now.
    fn close(&self, account: &Account, now: Timestamp) -> impl Future<Output = Result<bool, PortError>> + Send;
}

/// Reads sessions, strongly consistent.
pub trait SessionRead: Send + Sync {
    /// The session of a device. It may have expired.
    fn session(
        &self,
        user: UserId,
        device: &DeviceId,
    ) -> impl Future<Output = Result<Option<Session>, PortError>> + Send;
}

/// Lists sessions, strongly consistent.
pub trait SessionList: Send + Sync {
    /// A person's sessions on all devices, in the order of the devices' ids. Some may have expired.
    fn sessions(&self, user: UserId) -> impl Future<Output = Result<Vec<Session>, PortError>> + Send;
}

/// Changes sessions.
pub trait SessionWrite: Send + Sync {
    /// Puts a device's session in place of whatever began no later. Where it is there already nothing changes: a late
    /// repetition must take nothing back (MONO-1). Where a later one is there it is a retryable error.
    fn put(&self, session: &Session) -> impl Future<Output = Result<(), PortError>> + Send;

    /// Advances the generation that `claims` name by one, at `now`, and moves the end to `expires_at`, on condition
    /// that the session is still there with that generation.
    fn rotate(
        &self,
        claims: &RefreshClaims,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<Rotated, PortError>> + Send;
}

/// Ends sessions.
pub trait SessionEnd: Send + Sync {
    /// Ends a session, on condition that it is still the device's. Ending what has ended is no error. What the device
    /// has instead, if it has been signed in again.
    fn end(
        &self,
        user: UserId,
        device: &DeviceId,
        session: SessionId,
    ) -> impl Future<Output = Result<Option<Session>, PortError>> + Send;
}

/// Remembers what requests sign out (IDEM-1).
pub trait SignOutBegin: Send + Sync {
    /// Remembers it, unless its client id is known; what is remembered.
    fn begin(&self, sign_out: &SignOut) -> impl Future<Output = Result<SignOut, PortError>> + Send;
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// The session as it is now.
    Yes(Session),
    /// The condition was lost; what the device has instead.
    Lost(Option<Session>),
}

/// Hashes passwords, slowly and off the executor.
pub trait PasswordHasher: Send + Sync {
    /// The hash of a password, with a new salt and today's parameters.
    fn hash(&self, password: &Password) -> impl Future<Output = Result<PasswordHash, PortError>> + Send;

    /// Whether a password belongs to a hash. Without a hash the answer is `No` and takes as long: an unknown name
    /// must not be told from a wrong password by the clock.
    fn verify(
        &self,
        password: &Password,
        hash: Option<&PasswordHash>,
    ) -> impl Future<Output = Result<Verified, PortError>> + Send;
}

/// What a password is to a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Another one's.
    No,
    /// Its own.
    Yes,
    /// Its own, and the hash was made with other parameters than today's.
    Outdated,
}

/// Derives the ids that a client's request creates (IDEM-1).
pub trait DeriveIds: Send + Sync {
    /// The id of the account that `client_id` creates under `username`: always the same, and nobody else's.
    fn user_id(&self, username: &Username, client_id: ClientId) -> UserId;
}

/// Signs what can be verified without a table.
pub trait SignTokens: Send + Sync {
    /// An access token.
    fn sign_access_token(&self, principal: &Principal, now: Timestamp, ttl_s: u64) -> Result<Token, PortError>;
    /// A ticket for one socket; `now` becomes its `ticket_at`, to the millisecond.
    fn sign_ticket(&self, principal: &Principal, now: Timestamp, ttl_s: u64) -> Result<Token, PortError>;
}

/// Verifies access tokens: signature, audience and age.
pub trait VerifyAccessTokens: Send + Sync {
    /// Whom a token vouches for; `None` if it is not good, whatever the reason.
    fn verify_access_token(&self, token: &str, now: Timestamp) -> Option<Principal>;
}

/// Verifies tickets: signature, audience and age.
pub trait VerifyTickets: Send + Sync {
    /// Whom a ticket vouches for and its `ticket_at`; `None` if it is not good, whatever the reason.
    fn verify_ticket(&self, ticket: &str, now: Timestamp) -> Option<(Principal, Timestamp)>;
}

/// Seals and opens refresh tokens.
pub trait RefreshTokens: Send + Sync {
    /// The token that says `claims`: always the same one.
    fn seal(&self, claims: &RefreshClaims) -> Token;
    /// What a token says; `None` if it is not one of ours.
    fn open(&self, token: &str) -> Option<RefreshClaims>;
}
