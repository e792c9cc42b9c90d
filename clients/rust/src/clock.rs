//! The time and the dice: the only two things that the client takes from outside by itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tidings_domain::ids::ClientId;
use tidings_domain::time::Timestamp;

/// The time of day, as this machine's clock has it.
#[expect(clippy::disallowed_methods, reason = "the SDK's one look at the clock")]
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
}

/// Everything random: jitter and client ids. Seeded in tests.
#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    /// Dice that fall as `seed` says, or as they like.
    pub(crate) fn new(seed: Option<u64>) -> Self {
        Self(StdRng::seed_from_u64(seed.unwrap_or_else(rand::random)))
    }

    /// A time between two, both included.
    pub(crate) fn between(&mut self, (low, high): (Duration, Duration)) -> Duration {
        low + high.saturating_sub(low).mul_f64(self.0.random_range(0.0..=1.0))
    }

    /// Full jitter: anything up to `cap` or the `tries`-th doubling of `base`, whichever is less. Spreads a crowd
    /// that lost its connections together better than any fixed wait with a little noise on top.
    pub(crate) fn back_off(&mut self, base: Duration, cap: Duration, tries: u32) -> Duration {
        let doubled = base.saturating_mul(1_u32.checked_shl(tries).unwrap_or(u32::MAX));
        self.between((Duration::ZERO, doubled.min(cap)))
    }

    /// A client id for something composed at `at`.
    pub(crate) fn client_id(&mut self, at: Timestamp) -> ClientId {
        ClientId::new(at, self.0.random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_stays_below_its_bound_and_its_cap() {
        let mut dice = Dice::new(Some(7));
        let (base, cap) = (Duration::from_millis(250), Duration::from_secs(30));
        for tries in 0..80 {
            let bound = base.saturating_mul(2_u32.saturating_pow(tries)).min(cap);
            assert!(dice.back_off(base, cap, tries) <= bound, "{tries}");
        }
        let most = (0..200).map(|_| dice.back_off(base, cap, 20)).max().unwrap();
        assert!(most > Duration::from_secs(20), "the jitter is full");
    }
}
