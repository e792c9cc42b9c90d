//! Time and chance that a test can replay.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tidings_application::clock::{Clock, Random};
use tidings_domain::time::Timestamp;

/// When tests begin, in milliseconds since the Unix epoch.
pub const START_MS: u64 = 1_764_000_000_000;

/// A clock that stands until somebody sleeps or advances it, and numbers that follow from a seed. Its clones are
/// one clock.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<State>);

#[derive(Debug)]
struct State {
    now_ms: AtomicU64,
    seed: AtomicU64,
}

impl TestClock {
    /// A clock at [`START_MS`].
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(State { now_ms: START_MS.into(), seed: seed.into() }))
    }

    /// Lets time pass.
    pub fn advance(&self, millis: u64) {
        self.0.now_ms.fetch_add(millis, Ordering::SeqCst);
    }

    fn next(&self) -> u64 {
        // SplitMix64 (Steele, Lea, Flood 2014): any seed will do.
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.seed.fetch_add(STEP, Ordering::SeqCst).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.now_ms.load(Ordering::SeqCst))
    }

    async fn sleep(&self, millis: u64) {
        self.advance(millis);
        tokio::task::yield_now().await;
    }
}

impl Random for TestClock {
    fn bits(&self) -> u128 {
        (u128::from(self.next()) << 64) | u128::from(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (one, same, other) = (TestClock::new(1), TestClock::new(1), TestClock::new(2));
        let bits = one.bits();
        assert_eq!(same.bits(), bits);
        assert_ne!(other.bits(), bits);
        assert_ne!(one.bits(), bits);
    }
}
