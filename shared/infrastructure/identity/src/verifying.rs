//! The published keys, and what the signed tokens say.
//!
//! | claim | access token | ticket |
//! | --- | --- | --- |
//! | `iss` | `tidings` | `tidings` |
//! | `aud` | `access` | `ticket` |
//! | `sub`, `dev`, `plat`, `sid` | user, device, platform, session | the same |
//! | `iat`, `exp` | seconds | seconds |
//! | `at` | - | `ticket_at`, milliseconds |

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::{Deserialize, Serialize};
use tidings_application::identity::Principal;
use tidings_application::identity::ports::{VerifyAccessTokens, VerifyTickets};
use tidings_domain::time::Timestamp;

use crate::jwk::Jwks;

/// Who signs.
const ISSUER: &str = "tidings";

/// Audience of access tokens.
pub(crate) const ACCESS: &str = "access";

/// Audience of tickets.
pub(crate) const TICKET: &str = "ticket";

/// How far the clocks of two functions may be apart, in seconds. They are within milliseconds (Amazon Time Sync);
/// this covers the rounding of `iat` and `exp` to seconds, too.
const CLOCK_LEEWAY_S: u64 = 2;

/// The claims of an access token or ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    pub(crate) aud: String,
    pub(crate) sub: String,
    pub(crate) dev: String,
    pub(crate) plat: String,
    pub(crate) sid: String,
    pub(crate) iat: u64,
    pub(crate) exp: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) at: Option<u64>,
}

impl Claims {
    pub(crate) fn new(audience: &str, principal: &Principal, now: Timestamp, ttl_s: u64) -> Self {
        Self {
            iss: ISSUER.to_owned(),
            aud: audience.to_owned(),
            sub: principal.user.to_string(),
            dev: principal.device.to_string(),
            plat: principal.platform.to_string(),
            sid: principal.session.to_string(),
            iat: now.as_secs(),
            exp: now.as_secs().saturating_add(ttl_s),
            at: None,
        }
    }

    fn principal(&self) -> Option<Principal> {
        Some(Principal {
            user: self.sub.parse().ok()?,
            device: self.dev.parse().ok()?,
            platform: self.plat.parse().ok()?,
            session: self.sid.parse().ok()?,
        })
    }

    fn is_current(&self, now: Timestamp) -> bool {
        let now = now.as_secs();
        now < self.exp.saturating_add(CLOCK_LEEWAY_S) && self.iat <= now.saturating_add(CLOCK_LEEWAY_S)
    }
}

/// Why a text is no set of verifying keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVerifyingKeys {
    /// Not a JWKS document.
    #[error("not a JWKS document: {0}")]
    Shape(String),
    /// A key is not an Ed25519 signature key, or its name is not the one that follows from it.
    #[error("key {0} is not an Ed25519 signature key with its proper kid")]
    Key(String),
    /// There is none.
    #[error("the key set is empty")]
    Empty,
}

/// The keys that tokens may be signed with, by name: the present one, and while keys change also the one before or
/// after. Reads from a JWKS document (`VERIFYING_KEYS`).
#[derive(Clone, Debug)]
pub struct VerifyingKeys {
    keys: Arc<HashMap<String, DecodingKey>>,
    document: Arc<str>,
}

impl VerifyingKeys {
    /// The key set as a JWKS document, to publish.
    pub fn key_set(&self) -> &str {
        &self.document
    }

    pub(crate) fn contains(&self, kid: &str) -> bool {
        self.keys.contains_key(kid)
    }

    /// The claims of a token for this audience, if all is well with it.
    fn claims(&self, token: &str, audience: &str, now: Timestamp) -> Option<Claims> {
        let kid = decode_header(token).ok()?.kid?;
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library asks the machine for the time; ours comes from the clock port.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, self.keys.get(&kid)?, &validation).ok()?.claims;
        claims.is_current(now).then_some(claims)
    }
}

impl FromStr for VerifyingKeys {
    type Err = InvalidVerifyingKeys;

    fn from_str(text: &str) -> Result<Self, InvalidVerifyingKeys> {
        let set: Jwks = serde_json::from_str(text).map_err(|error| InvalidVerifyingKeys::Shape(error.to_string()))?;
        let mut keys = HashMap::new();
        for jwk in &set.keys {
            let bytes = jwk.public_key().ok_or_else(|| InvalidVerifyingKeys::Key(jwk.kid.clone()))?;
            keys.insert(jwk.kid.clone(), DecodingKey::from_ed_der(&bytes));
        }
        if keys.is_empty() {
            return Err(InvalidVerifyingKeys::Empty);
        }
        // Written anew, so that nothing is published that was not read.
        Ok(Self { keys: Arc::new(keys), document: serde_json::json!(set).to_string().into() })
    }
}

impl VerifyAccessTokens for VerifyingKeys {
    fn verify_access_token(&self, token: &str, now: Timestamp) -> Option<Principal> {
        self.claims(token, ACCESS, now)?.principal()
    }
}

impl VerifyTickets for VerifyingKeys {
    fn verify_ticket(&self, ticket: &str, now: Timestamp) -> Option<(Principal, Timestamp)> {
        let claims = self.claims(ticket, TICKET, now)?;
        Some((claims.principal()?, Timestamp::from_millis(claims.at?)))
    }
}

#[cfg(test)]
mod tests;
