//! One public key, as RFC 8037 writes it in a key set.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Bytes of an Ed25519 public key.
const PUBLIC_KEY_LEN: usize = 32;

/// A public key. The fields are the RFC's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jwk {
    pub(crate) kty: String,
    pub(crate) crv: String,
    pub(crate) alg: String,
    #[serde(rename = "use")]
    pub(crate) usage: String,
    pub(crate) kid: String,
    pub(crate) x: String,
}

/// A key set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Jwks {
    pub(crate) keys: Vec<Jwk>,
}

impl Jwk {
    /// The key with its name.
    pub(crate) fn of(public_key: &[u8]) -> Self {
        Self {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            kid: key_id(public_key),
            x: URL_SAFE_NO_PAD.encode(public_key),
        }
    }

    /// The key's bytes, if this is what [`of`](Self::of) says about them.
    pub(crate) fn public_key(&self) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(&self.x).ok().filter(|bytes| bytes.len() == PUBLIC_KEY_LEN)?;
        (*self == Self::of(&bytes)).then_some(bytes)
    }
}

/// A key's name: the first 8 bytes of its SHA-256, in hexadecimal.
fn key_id(public_key: &[u8]) -> String {
    let mut first = [0; 8];
    first.copy_from_slice(&digest(&SHA256, public_key).as_ref()[..8]);
    format!("{:016x}", u64::from_be_bytes(first))
}
