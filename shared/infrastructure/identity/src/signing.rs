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
#[error("a signing key is a 32-byte Ed25519 seed in base64url without padding; older ones may follow after commas")]
pub struct InvalidSigningKey;

/// The seed that access tokens and tickets are signed with and refresh tokens sealed. Reads from base64url without
/// padding (`SIGNING_KEY`). A secret: its `Debug` shows only the key's public name.
///
/// After it, separated by commas, may stand those that it replaced: refresh tokens that they sealed still open, so
/// that a new key signs nobody out.
#[derive(Clone)]
pub struct SigningKey {
    key: EncodingKey,
    public: Jwk,
    sealer: Sealer,
    older: Vec<Sealer>,
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
            older: Vec::new(),
        })
    }

    fn open(&self, token: &str) -> Option<RefreshClaims> {
        std::iter::once(&self.sealer).chain(&self.older).find_map(|sealer| sealer.open(token))
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
        let mut seeds = text.split(',').map(seed);
        let first = seeds.next().ok_or(InvalidSigningKey)??;
        let older = seeds.map(|seed| seed.map(|seed| Sealer::new(&seed))).collect::<Result<_, _>>()?;
        Ok(Self { older, ..Self::from_seed(&first)? })
    }
}

fn seed(text: &str) -> Result<[u8; SEED_LEN], InvalidSigningKey> {
    let seed = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidSigningKey)?;
    seed.try_into().map_err(|_| InvalidSigningKey)
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
        self.signing.open(token)
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

    /// Two crates write the form: this one reads it, the other serves tools that shall know no code of ours.
    #[test]
    fn keys_that_the_deploying_command_makes_are_keys() {
        let pair = tidings_keys::KeyPair::from_signing_key(SEED).unwrap();
        let key: SigningKey = pair.signing_key.parse().unwrap();
        let set: VerifyingKeys = pair.verifying_keys.parse().unwrap();
        let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(json(&pair.verifying_keys), json(&key.key_set()));
        assert!(Keys::new(key, set).is_ok());
    }

    #[test]
    fn other_texts_are_no_keys() {
        let (padded, long, open_list) = (format!("{SEED}="), format!("{SEED}AA"), format!("{SEED},"));
        for text in ["", "AAAA", &padded, &long, &open_list, "not base64url, not at all, not a bit!!!!"] {
            assert_eq!(text.parse::<SigningKey>().err(), Some(InvalidSigningKey), "{text}");
        }
    }

    #[test]
    fn a_new_key_signs_nobody_out() {
        let claims = RefreshClaims {
            user: tidings_domain::ids::UserId::from_bits(1),
            device: "laptop-1".parse().unwrap(),
            session: tidings_application::identity::SessionId::from_bits(2),
            generation: 3,
        };
        let keys = |text: &str| {
            let key: SigningKey = text.parse().unwrap();
            Keys::new(key.clone(), key.key_set().parse().unwrap()).unwrap()
        };
        let new = URL_SAFE_NO_PAD.encode([1; SEED_LEN]);
        let (old, both, alone) = (keys(SEED), keys(&format!("{new},{SEED}")), keys(&new));
        let token = old.seal(&claims);
        assert_eq!(both.open(token.reveal()), Some(claims.clone()));
        assert_eq!(alone.open(token.reveal()), None, "once the old key is gone");
        let renewed = both.seal(&claims);
        assert_eq!(alone.open(renewed.reveal()), Some(claims));
        assert_eq!(both.key_set(), alone.key_set(), "what is new is signed with the new key");
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
