//! Argon2id, and ids that follow from a request.

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest::{Context, SHA256};
use tidings_application::error::PortError;
use tidings_application::identity::PasswordHash;
use tidings_application::identity::ports::{DeriveIds, PasswordHasher, Verified};
use tidings_domain::identity::{Password, Username};
use tidings_domain::ids::{ClientId, UserId};
use tokio::task::spawn_blocking;

/// Memory of one hash in KiB, passes over it, and lanes: the first line of OWASP's Password Storage Cheat Sheet for
/// Argon2id (19 MiB, t=2, p=1). More memory would cost more in the function than it costs an attacker; who changes
/// these changes nothing for people: hashes are made anew at the next sign-in.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What an unknown name is verified against: today's parameters over a salt and a digest of zeros.
const NOBODYS_SALT: &str = "AAAAAAAAAAAAAAAAAAAAAA";
const NOBODYS_DIGEST: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Tells derived user ids from every other use of the hash function.
const USER_ID_DOMAIN: &[u8] = b"tidings user id v1\0";

/// The bits of a ULID that are not time.
const CHANCE: u128 = (1 << 80) - 1;

/// Hashes passwords with Argon2id and today's parameters, on threads of their own.
#[derive(Clone, Debug)]
pub struct Hasher {
    params: Params,
    nobody: PasswordHash,
}

impl Hasher {
    /// With the parameters that are right today.
    pub fn new() -> Self {
        Self::with(Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default())
    }

    fn with(params: Params) -> Self {
        let (m, t, p) = (params.m_cost(), params.t_cost(), params.p_cost());
        let nobody = format!("$argon2id$v=19$m={m},t={t},p={p}${NOBODYS_SALT}${NOBODYS_DIGEST}");
        Self { params, nobody: PasswordHash::new(nobody) }
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    fn is_todays(&self, hash: &Phc) -> bool {
        let same = |params: Params| {
            (params.m_cost(), params.t_cost(), params.p_cost())
                == (self.params.m_cost(), self.params.t_cost(), self.params.p_cost())
        };
        hash.algorithm == ARGON2ID_IDENT && Params::try_from(hash).is_ok_and(same)
    }

    fn verify_now(&self, password: &str, hash: &PasswordHash) -> Result<Verified, PortError> {
        let hash = Phc::new(hash.reveal()).map_err(PortError::fatal)?;
        match self.argon2().verify_password(password.as_bytes(), &hash) {
            Ok(()) if self.is_todays(&hash) => Ok(Verified::Yes),
            Ok(()) => Ok(Verified::Outdated),
            Err(password_hash::Error::PasswordInvalid) => Ok(Verified::No),
            Err(error) => Err(PortError::fatal(error)),
        }
    }
}

impl Default for Hasher {
    fn default() -> Self {
        Self::new()
    }
}

impl PasswordHasher for Hasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, PortError> {
        let (argon2, password) = (self.argon2(), password.clone());
        let hash = spawn_blocking(move || argon2.hash_password(password.reveal().as_bytes())).await;
        let hash = hash.map_err(PortError::fatal)?.map_err(PortError::fatal)?;
        Ok(PasswordHash::new(hash.to_string()))
    }

    async fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> Result<Verified, PortError> {
        let (hasher, password) = (self.clone(), password.clone());
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).clone();
        let verified = spawn_blocking(move || hasher.verify_now(password.reveal(), &hash)).await;
        let verified = verified.map_err(PortError::fatal)??;
        Ok(if known { verified } else { Verified::No })
    }
}

impl DeriveIds for Hasher {
    /// The client id's time, then 80 bits of SHA-256 over name and client id.
    fn user_id(&self, username: &Username, client_id: ClientId) -> UserId {
        let mut context = Context::new(&SHA256);
        context.update(USER_ID_DOMAIN);
        // Fixed length first, so that no two pairs run together.
        context.update(&client_id.bits().to_be_bytes());
        context.update(username.as_str().as_bytes());
        let mut bits = [0; 16];
        bits.copy_from_slice(&context.finish().as_ref()[..16]);
        UserId::from_bits((client_id.bits() & !CHANCE) | (u128::from_be_bytes(bits) & CHANCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Hasher {
        Hasher::with(Params::new(Params::MIN_M_COST, 1, 1, None).unwrap())
    }

    fn password(text: &str) -> Password {
        text.parse().unwrap()
    }

    #[test]
    fn parameters_are_owasps() {
        let hash = Hasher::new().nobody;
        assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.reveal());
        assert!(Hasher::new().is_todays(&Phc::new(hash.reveal()).unwrap()));
    }

    #[tokio::test]
    async fn a_password_belongs_to_its_own_hash_alone() {
        let hasher = Hasher::new();
        let hash = hasher.hash(&password("correct horse")).await.unwrap();
        assert_eq!(hasher.verify(&password("correct horse"), Some(&hash)).await.unwrap(), Verified::Yes);
        assert_eq!(hasher.verify(&password("battery staple"), Some(&hash)).await.unwrap(), Verified::No);
        assert_ne!(hasher.hash(&password("correct horse")).await.unwrap(), hash, "each has its own salt");
    }

    #[tokio::test]
    async fn old_parameters_are_noticed() {
        let hash = cheap().hash(&password("correct horse")).await.unwrap();
        assert_eq!(Hasher::new().verify(&password("correct horse"), Some(&hash)).await.unwrap(), Verified::Outdated);
        assert_eq!(Hasher::new().verify(&password("battery staple"), Some(&hash)).await.unwrap(), Verified::No);
    }

    #[tokio::test]
    async fn nobody_has_no_password_and_is_hashed_all_the_same() {
        let hasher = Hasher::new();
        assert_eq!(hasher.verify(&password("correct horse"), None).await.unwrap(), Verified::No);
        // That the stand-in is really hashed: it parses, and its digest is as long as a real one's.
        let real = hasher.hash(&password("correct horse")).await.unwrap();
        assert_eq!(hasher.nobody.reveal().len(), real.reveal().len());
        assert_eq!(hasher.verify_now("correct horse", &hasher.nobody).unwrap(), Verified::No);
    }

    #[tokio::test]
    async fn a_broken_hash_is_a_fault_and_no_wrong_password() {
        let broken = PasswordHash::new("plain");
        assert!(!cheap().verify(&password("correct horse"), Some(&broken)).await.unwrap_err().retryable);
    }

    #[test]
    fn ids_follow_from_the_request() {
        let hasher = cheap();
        let (alice, bob) = ("alice".parse().unwrap(), "bob.b".parse().unwrap());
        let (one, other) = (ClientId::from_bits(1 << 100), ClientId::from_bits((1 << 100) + 1));
        assert_eq!(hasher.user_id(&alice, one), hasher.user_id(&alice, one));
        assert_ne!(hasher.user_id(&alice, one), hasher.user_id(&bob, one));
        assert_ne!(hasher.user_id(&alice, one), hasher.user_id(&alice, other));
        assert_eq!(hasher.user_id(&alice, one).time(), one.time());
    }
}
