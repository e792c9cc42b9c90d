//! Refresh: the next pair of tokens for a refresh token.

use futures_util::future::try_join;

use super::ports::{AccountRead, RefreshTokens, Rotated, SessionEnd, SessionRead, SessionWrite, SignTokens};
use super::records::Lifetimes;
use super::session::{Judgement, RefreshClaims, Session, judge};
use super::sign_in::{SignedIn, tokens};
use crate::clock::Clock;
use crate::error::PortError;

/// Keeps people signed in.
#[derive(Clone, Debug)]
pub struct Refresh<S, K, C> {
    /// The accounts and sessions.
    pub store: S,
    /// Signs and seals tokens.
    pub keys: K,
    /// Time.
    pub clock: C,
    /// How long tokens are good for.
    pub lifetimes: Lifetimes,
}

/// Why there are no new tokens. All but a failed port are told alike: sign in again.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// The token is not one of ours.
    #[error("not a refresh token")]
    Forged,
    /// Its session expired, was signed out or was replaced.
    #[error("the session has ended")]
    Ended,
    /// It was used before, so somebody has a copy of it. The session has been ended. Worth a line in the log.
    #[error("an old refresh token was used again; the session has been ended")]
    Reused {
        /// Whose and where.
        claims: RefreshClaims,
    },
    /// A port failed.
    #[error(transparent)]
    Port(#[from] PortError),
}

impl<S, K, C> Refresh<S, K, C>
where
    S: AccountRead + SessionRead + SessionWrite + SessionEnd,
    K: SignTokens + RefreshTokens,
    C: Clock,
{
    /// Exchanges a token. The same token again within the grace gives the same refresh token again.
    pub async fn run(&self, token: &str) -> Result<SignedIn, RefreshError> {
        let claims = self.keys.open(token).ok_or(RefreshError::Forged)?;
        let (account, session) =
            try_join(self.store.account(claims.user), self.store.session(claims.user, &claims.device)).await?;
        let account = account.ok_or(RefreshError::Ended)?;
        let session = self.advance(&claims, session).await?;
        Ok(tokens(&self.keys, &session, &account, self.clock.now(), self.lifetimes)?)
    }

    /// The session with its generation after `claims`. A lost race shows the winner's session, which is judged
    /// again; its generation is then another one, so this ends after the second time.
    async fn advance(&self, claims: &RefreshClaims, session: Option<Session>) -> Result<Session, RefreshError> {
        let mut session = session;
        loop {
            let now = self.clock.now();
            match (judge(claims, session.as_ref(), now), session) {
                (Judgement::Rotate, _) => {
                    let expires_at = now.plus_millis(self.lifetimes.refresh_token_s.saturating_mul(1_000));
                    match self.store.rotate(claims, now, expires_at).await? {
                        Rotated::Yes(rotated) => return Ok(rotated),
                        Rotated::Lost(present) => session = present,
                    }
                }
                (Judgement::Repeat, Some(present)) => return Ok(present),
                (Judgement::Reused, _) => {
                    self.store.end(claims.user, &claims.device, claims.session).await?;
                    return Err(RefreshError::Reused { claims: claims.clone() });
                }
                (Judgement::Ended | Judgement::Repeat, _) => return Err(RefreshError::Ended),
            }
        }
    }
}
