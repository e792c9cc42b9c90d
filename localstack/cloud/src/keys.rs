//! The key pair that signs this cloud's tokens: made at its start, gone with it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use crate::ids;

/// The settings `SIGNING_KEY` and `VERIFYING_KEYS`.
#[derive(Clone)]
pub(crate) struct KeyPair {
    /// The Ed25519 seed in base64url.
    pub signing_key: String,
    /// A JSON Web Key Set with the public key.
    pub verifying_keys: String,
}

impl std::fmt::Debug for KeyPair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KeyPair").field("verifying_keys", &self.verifying_keys).finish_non_exhaustive()
    }
}

impl KeyPair {
    /// A fresh pair.
    pub(crate) fn generate() -> Self {
        Self::from_seed(&rand::random())
    }

    fn from_seed(seed: &[u8; 32]) -> Self {
        let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
        // The key's id: the first eight bytes of its SHA-256.
        let kid = ids::hex(&Sha256::digest(public)[..8]);
        let key = serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "kid": kid, "x": URL_SAFE_NO_PAD.encode(public), "alg": "EdDSA", "use": "sig",
        });
        Self {
            signing_key: URL_SAFE_NO_PAD.encode(seed),
            verifying_keys: serde_json::json!({ "keys": [key] }).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032.
    #[test]
    fn the_key_set_holds_the_public_key() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let pair = KeyPair::from_seed(&seed.try_into().unwrap());
        assert!(pair.verifying_keys.contains("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), "{}", pair.verifying_keys);
        assert!(!format!("{pair:?}").contains(&pair.signing_key), "the seed is no matter for logs");
    }
}
