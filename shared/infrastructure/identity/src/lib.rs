//! The cryptography of identity, behind the ports of `tidings_application::identity`.
//!
//! - [`Hasher`]: Argon2id off the executor; ids derived from a client's request.
//! - [`Keys`]: signs access tokens and tickets (JWT, EdDSA) and seals refresh tokens (HMAC-SHA256).
//! - [`VerifyingKeys`]: verifies them, and is the published key set (JWKS).
//!
//! All primitives but Argon2 come from AWS-LC, which every function links for TLS anyway. Secrets never show in
//! `Debug`.

mod hasher;
mod jwk;
mod refresh_token;
mod signing;
mod verifying;

pub use hasher::Hasher;
pub use signing::{InvalidSigningKey, Keys, SigningKey, UnpublishedKey};
pub use verifying::{InvalidVerifyingKeys, VerifyingKeys};
