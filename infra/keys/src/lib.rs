//! The key pair that signs a deployment's tokens, in the form of the settings `SIGNING_KEY` and `VERIFYING_KEYS`: for
//! whoever makes one, the command that deploys and the local cloud.

use std::fmt;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

/// Bytes of an Ed25519 seed. Source: RFC 8032, section 5.1.5.
pub const SEED_BYTES: usize = 32;

/// Bytes of a public key's SHA-256 that name it.
const KID_BYTES: usize = 8;

/// A key pair.
#[derive(Clone)]
pub struct KeyPair {
    /// The Ed25519 seed in base64url: a secret.
    pub signing_key: String,
    /// A JSON Web Key Set with the public key. Source: RFC 8037.
    pub verifying_keys: String,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("KeyPair").field("verifying_keys", &self.verifying_keys).finish_non_exhaustive()
    }
}

impl KeyPair {
    /// The pair of a seed, which must be random and nobody else's.
    pub fn from_seed(seed: &[u8; SEED_BYTES]) -> Self {
        let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
        let kid = Sha256::digest(public)[..KID_BYTES].iter().fold(String::new(), |mut kid, byte| {
            // Writing to a text cannot fail.
            let _ = write!(kid, "{byte:02x}");
            kid
        });
        let key = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(public), "alg": "EdDSA", "use": "sig",
        });
        Self {
            signing_key: URL_SAFE_NO_PAD.encode(seed),
            verifying_keys: serde_json::json!({ "keys": [key] }).to_string(),
        }
    }

    /// The pair of a seed as [`KeyPair::signing_key`] has it; `None` if it is none.
    pub fn from_signing_key(text: &str) -> Option<Self> {
        let seed = URL_SAFE_NO_PAD.decode(text.trim()).ok()?.try_into().ok()?;
        Some(Self::from_seed(&seed))
    }

    /// What the secret of a stage holds: a JSON object of both.
    pub fn as_secret(&self) -> String {
        serde_json::json!({ "signing_key": self.signing_key, "verifying_keys": self.verifying_keys }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032, section 7.1.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    #[test]
    fn the_key_set_holds_the_public_key() {
        let pair = KeyPair::from_signing_key(SEED).unwrap();
        assert_eq!(pair.signing_key, SEED);
        assert!(pair.verifying_keys.contains(PUBLIC), "{}", pair.verifying_keys);
        assert!(!format!("{pair:?}").contains(&pair.signing_key), "the seed is no matter for logs");
    }

    #[test]
    fn the_secret_holds_both_as_texts() {
        let secret: serde_json::Value =
            serde_json::from_str(&KeyPair::from_signing_key(SEED).unwrap().as_secret()).unwrap();
        assert_eq!(secret["signing_key"], SEED);
        assert!(secret["verifying_keys"].as_str().unwrap().contains(PUBLIC));
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for text in ["", "half", "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyu", "no base64!"] {
            assert!(KeyPair::from_signing_key(text).is_none(), "{text}");
        }
    }
}
