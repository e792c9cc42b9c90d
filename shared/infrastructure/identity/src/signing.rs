//! The signing key, and all keys of a function that issues tokens.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use tidings_application::error::PortError;
use tidings_application::identity::ports::{RefreshTokens, SignTokens, VerifyAccessTokens};
use tidings_application::identity::{Principal, RefreshClaims, Token};
use tidings_domain::time::Timestamp;

use crate::jwk::{Jwk, Jwks};
use crate::refresh_token::Sealer;
use crate::verifying::{ACCESS, Claims, TICKET, VerifyingKeys};

/// Bytes of an Ed25519 seed.
const SEED_LEN: usize = 32;

/// What PKCS #8 puts before an Ed25519 seed (RFC 8410, section 7); the JWT library reads no bare seed.
const PKCS8_PREFIX: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// Why a text is no signing key. Says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is a 32-byte Ed25519 seed in base64url without padding")]
pub struct InvalidSigningKey;

/// The seed that access tokens and tickets are signed with and refresh tokens sealed. Reads from base64url without
/// padding (`SIGNING_KEY`). A secret: its `Debug` shows only the key's public name.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    public: Jwk,
    sealer: Sealer,
}

impl SigningKey {
    /// The key with this seed.
    pub fn from_seed(seed: &[u8; SEED_LEN]) -> Result<Self, InvalidSigningKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| InvalidSigningKey)?;
        let der = [PKCS8_PREFIX.as_slice(), seed].concat();
        Ok(Self {
            key: EncodingKey::from_ed_der(&der),
            public: Jwk::of(pair.public_key().as_ref()),
            sealer: Sealer::new(seed),
        })
    }

    /// The key set that publishes this key alone: what `VERIFYING_KEYS` needs at least.
    pub fn key_set(&self) -> String {
        serde_json::json!(Jwks { keys: vec![self.public.clone()] }).to_string()
    }

    fn sign(&self, claims: &Claims) -> Result<Token, PortError> {
        let header = Header { kid: Some(self.public.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        encode(&header, claims, &self.key).map(Token::new).map_err(PortError::fatal)
    }
}

impl FromStr for SigningKey {
    type Err = InvalidSigningKey;

    fn from_str(text: &str) -> Result<Self, InvalidSigningKey> {
        let seed = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSigningKey)?;
        Self::from_seed(&seed.try_into().map_err(|_| InvalidSigningKey)?)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.kid)
    }
}

/// The signing key is not among the verifying keys: nobody could verify what we sign.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("VERIFYING_KEYS does not contain the key {kid} that SIGNING_KEY signs with")]
pub struct UnpublishedKey {
    /// The key's public name.
    pub kid: String,
}

impl fmt::Debug for UnpublishedKey {
    /// As `Display`: it is what a main that returns the error prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// All keys of a function that issues tokens.
#[derive(Clone, Debug)]
pub struct Keys {
    signing: SigningKey,
    verifying: VerifyingKeys,
}

impl Keys {
    /// Both, if they belong together.
    pub fn new(signing: SigningKey, verifying: VerifyingKeys) -> Result<Self, UnpublishedKey> {
        if verifying.contains(&signing.public.kid) {
            Ok(Self { signing, verifying })
        } else {
            Err(UnpublishedKey { kid: signing.public.kid })
        }
    }

    /// The key set to publish.
    pub fn key_set(&self) -> &str {
        self.verifying.key_set()
    }
}

impl SignTokens for Keys {
    fn sign_access_token(&self, principal: &Principal, now: Timestamp, ttl_s: u64) -> Result<Token, PortError> {
        self.signing.sign(&Claims::new(ACCESS, principal, now, ttl_s))
    }

    fn sign_ticket(&self, principal: &Principal, now: Timestamp, ttl_s: u64) -> Result<Token, PortError> {
        let claims = Claims::new(TICKET, principal, now, ttl_s);
        self.signing.sign(&Claims { at: Some(now.as_millis()), ..claims })
    }
}

impl VerifyAccessTokens for Keys {
    fn verify_access_token(&self, token: &str, now: Timestamp) -> Option<Principal> {
        self.verifying.verify_access_token(token, now)
    }
}

impl RefreshTokens for Keys {
    fn seal(&self, claims: &RefreshClaims) -> Token {
        self.signing.sealer.seal(claims)
    }

    fn open(&self, token: &str) -> Option<RefreshClaims> {
        self.signing.sealer.open(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn the_rfcs_key_reads() {
        let key: SigningKey = SEED.parse().unwrap();
        assert_eq!(key.public.x, X);
        let set: VerifyingKeys = key.key_set().parse().unwrap();
        assert!(Keys::new(key, set).is_ok());
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in ["", "AAAA", &format!("{SEED}="), &format!("{SEED}AA"), "not base64url, not at all, not a bit!!!!"]
        {
            assert_eq!(text.parse::<SigningKey>().err(), Some(InvalidSigningKey), "{text}");
        }
    }

    #[test]
    fn the_seed_never_shows() {
        let key: SigningKey = SEED.parse().unwrap();
        let keys = Keys::new(key.clone(), key.key_set().parse().unwrap()).unwrap();
        for printed in [format!("{key:?}"), format!("{keys:?}"), format!("{keys:#?}")] {
            assert!(!printed.contains(SEED), "{printed}");
            // As bytes in decimal: 0x9d 0x61.
            assert!(!printed.contains("157, 97"), "{printed}");
        }
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public.kid));
    }

    #[test]
    fn keys_that_do_not_belong_together_are_noticed() {
        let signing = SigningKey::from_seed(&[1; SEED_LEN]).unwrap();
        let other = SigningKey::from_seed(&[2; SEED_LEN]).unwrap();
        let error = Keys::new(signing, other.key_set().parse().unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("VERIFYING_KEYS does not contain"), "{error}");
    }
}
