//! The key pair that signs this cloud's tokens.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use sha2::{Digest as _, Sha256};

use crate::data::{self, DataError};
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
    /// The pair in a file, which is made if it isn't there; without a path a fresh one.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, DataError> {
        let Some(path) = path else { return Ok(Self::from_seed(&rand::random())) };
        let failed = |source| DataError::Folder { folder: path.display().to_string(), source };
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let seed = URL_SAFE_NO_PAD.decode(text.trim()).ok().and_then(|seed| seed.try_into().ok());
                seed.map(|seed| Self::from_seed(&seed)).ok_or_else(|| DataError::Key(path.display().to_string()))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let pair = Self::from_seed(&rand::random());
                data::write_whole(path, pair.signing_key.as_bytes()).map_err(failed)?;
                Ok(pair)
            }
            Err(error) => Err(failed(error)),
        }
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

    #[test]
    fn a_kept_key_stays_and_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let first = KeyPair::open(Some(&path)).unwrap();
        assert_eq!(KeyPair::open(Some(&path)).unwrap().signing_key, first.signing_key);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "half").unwrap();
        let error = KeyPair::open(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("is no signing key"), "{error}");
        assert_ne!(KeyPair::open(None).unwrap().signing_key, first.signing_key);
    }
}
