//! Refresh tokens: `r1.<user>.<device>.<session>.<generation>.<seal>`, sealed with HMAC-SHA256. Opaque to clients.
//!
//! The seal's key follows from the signing seed. Whoever changes the seed and shall not sign everybody out keeps the
//! old one beside it until its refresh tokens have run out; see [`SigningKey`](crate::SigningKey).

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tidings_application::identity::{RefreshClaims, Token};

/// Which form a token has.
const VERSION: &str = "r1";

/// Tells the seal's key from every other use of the seed.
const KEY_DOMAIN: &[u8] = b"tidings refresh token v1";

/// Seals and opens.
#[derive(Clone)]
pub(crate) struct Sealer(Key);

impl Sealer {
    pub(crate) fn new(seed: &[u8]) -> Self {
        let key = sign(&Key::new(HMAC_SHA256, seed), KEY_DOMAIN);
        Self(Key::new(HMAC_SHA256, key.as_ref()))
    }

    pub(crate) fn seal(&self, claims: &RefreshClaims) -> Token {
        let RefreshClaims { user, device, session, generation } = claims;
        // None of the parts can contain a dot.
        let said = format!("{VERSION}.{user}.{device}.{session}.{generation}");
        let seal = sign(&self.0, said.as_bytes());
        Token::new(format!("{said}.{}", URL_SAFE_NO_PAD.encode(seal)))
    }

    pub(crate) fn open(&self, token: &str) -> Option<RefreshClaims> {
        let (said, seal) = token.rsplit_once('.')?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        // In constant time, and before anything that was said is looked at.
        verify(&self.0, said.as_bytes(), &seal).ok()?;
        let mut parts = said.split('.');
        if parts.next()? != VERSION {
            return None;
        }
        let mut part = || parts.next();
        let claims = RefreshClaims {
            user: part()?.parse().ok()?,
            device: part()?.parse().ok()?,
            session: part()?.parse().ok()?,
            generation: part()?.parse().ok()?,
        };
        parts.next().is_none().then_some(claims)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidings_application::identity::SessionId;
    use tidings_domain::ids::UserId;

    use super::*;

    fn claims() -> RefreshClaims {
        RefreshClaims {
            user: UserId::from_bits(1),
            device: "laptop-1".parse().unwrap(),
            session: SessionId::from_bits(2),
            generation: 3,
        }
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(user: u128, device in "[A-Za-z0-9_-]{1,64}", session: u128, generation: u64) {
            let claims = RefreshClaims {
                user: UserId::from_bits(user),
                device: device.parse().unwrap(),
                session: SessionId::from_bits(session),
                generation,
            };
            let sealer = Sealer::new(&[7; 32]);
            let token = sealer.seal(&claims);
            prop_assert_eq!(&sealer.seal(&claims), &token, "the same claims are the same token");
            prop_assert_eq!(sealer.open(token.reveal()), Some(claims));
        }

        #[test]
        fn a_changed_token_does_not_open(at in 0..100_usize, to in "[a-zA-Z0-9._-]") {
            let sealer = Sealer::new(&[7; 32]);
            let token = sealer.seal(&claims());
            let mut changed = token.reveal().to_owned();
            let at = at % changed.len();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != token.reveal());
            prop_assert_eq!(sealer.open(&changed), None);
        }
    }

    #[test]
    fn another_seed_does_not_open() {
        let token = Sealer::new(&[7; 32]).seal(&claims());
        assert_eq!(Sealer::new(&[8; 32]).open(token.reveal()), None);
    }

    #[test]
    fn the_seed_itself_is_not_the_key() {
        let token = Sealer::new(&[7; 32]).seal(&claims());
        let plain = Sealer(Key::new(HMAC_SHA256, &[7; 32]));
        assert_eq!(plain.open(token.reveal()), None);
    }

    #[test]
    fn nonsense_does_not_open() {
        for token in ["", ".", "r1", "r1.....", "r1.u.d.s.1.AAAA", "eyJhbGciOiJFZERTQSJ9.e30.AAAA"] {
            assert_eq!(Sealer::new(&[7; 32]).open(token), None, "{token}");
        }
    }
}
