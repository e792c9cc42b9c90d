//! Hashing that is fast and tokens that can be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tidings_application::error::PortError;
use tidings_application::identity::ports::{
    DeriveIds, PasswordHasher, RefreshTokens, SignTokens, Verified, VerifyAccessTokens, VerifyTickets,
};
use tidings_application::identity::{PasswordHash, Principal, RefreshClaims, Token};
use tidings_domain::identity::{Password, Username};
use tidings_domain::ids::{ClientId, UserId};
use tidings_domain::time::Timestamp;

/// "Hashes" a password to itself under a version of parameters, and counts.
#[derive(Clone, Debug, Default)]
pub struct FakeHasher {
    parameters: u32,
    verified: Arc<AtomicU32>,
}

impl FakeHasher {
    /// With other parameters than the default: hashes of one are outdated for the other.
    pub fn with_parameters(parameters: u32) -> Self {
        Self { parameters, ..Self::default() }
    }

    /// How many passwords were verified, a stand-in's included.
    pub fn verified(&self) -> u32 {
        self.verified.load(Ordering::SeqCst)
    }
}

impl PasswordHasher for FakeHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PortError> {
        Ok(PasswordHash::new(format!("{} {}", self.parameters, password.reveal())))
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verified, PortError> {
        self.verified.fetch_add(1, Ordering::SeqCst);
        let Some(hash) = hash else { return Ok(Verified::No) };
        let (parameters, hashed) =
            hash.reveal().split_once(' ').ok_or_else(|| PortError::fatal("not a hash of this fake"))?;
        Ok(match hashed == password.reveal() {
            false => Verified::No,
            true if parameters == self.parameters.to_string() => Verified::Yes,
            true => Verified::Outdated,
        })
    }
}

impl DeriveIds for FakeHasher {
    fn user_id(&self, username: &Username, client_id: ClientId) -> UserId {
        let name = username.as_str().bytes().fold(0_u128, |sum, byte| sum.wrapping_mul(31) + u128::from(byte));
        UserId::from_bits(client_id.bits() ^ (name & 0xffff_ffff))
    }
}

/// Tokens in plain text, for tests that read them. Nothing is signed: a fake must not be good enough to use.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeKeys;

impl FakeKeys {
    fn write(kind: &str, principal: &Principal, at: Timestamp, ttl_s: u64) -> Token {
        let Principal { user, device, platform, session } = principal;
        Token::new(format!("{kind}.{user}.{device}.{platform}.{session}.{at}.{ttl_s}"))
    }

    fn read(kind: &str, token: &str, now: Timestamp) -> Option<(Principal, Timestamp)> {
        let mut parts = token.split('.');
        let mut part = || parts.next();
        if part()? != kind {
            return None;
        }
        let principal = Principal {
            user: part()?.parse().ok()?,
            device: part()?.parse().ok()?,
            platform: part()?.parse().ok()?,
            session: part()?.parse().ok()?,
        };
        let at = Timestamp::from_millis(part()?.parse().ok()?);
        let ttl_s: u64 = part()?.parse().ok()?;
        (now < at.plus_millis(ttl_s * 1_000)).then_some((principal, at))
    }
}

impl SignTokens for FakeKeys {
    fn sign_access_token(&self, principal: &Principal, now: Timestamp, ttl_s: u64) -> Result<Token, PortError> {
        Ok(Self::write("access", principal, now, ttl_s))
    }

    fn sign_ticket(&self, principal: &Principal, now: Timestamp, ttl_s: u64) -> Result<Token, PortError> {
        Ok(Self::write("ticket", principal, now, ttl_s))
    }
}

impl VerifyAccessTokens for FakeKeys {
    fn verify_access_token(&self, token: &str, now: Timestamp) -> Option<Principal> {
        Self::read("access", token, now).map(|(principal, _)| principal)
    }
}

impl VerifyTickets for FakeKeys {
    fn verify_ticket(&self, ticket: &str, now: Timestamp) -> Option<(Principal, Timestamp)> {
        Self::read("ticket", ticket, now)
    }
}

impl RefreshTokens for FakeKeys {
    fn seal(&self, claims: &RefreshClaims) -> Token {
        let RefreshClaims { user, device, session, generation } = claims;
        Token::new(format!("refresh.{user}.{device}.{session}.{generation}"))
    }

    fn open(&self, token: &str) -> Option<RefreshClaims> {
        let mut parts = token.strip_prefix("refresh.")?.split('.');
        let mut part = || parts.next();
        Some(RefreshClaims {
            user: part()?.parse().ok()?,
            device: part()?.parse().ok()?,
            session: part()?.parse().ok()?,
            generation: part()?.parse().ok()?,
        })
    }
}
