//! The machine's time and randomness.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidings_application::clock::{Clock, Random};
use tidings_domain::time::Timestamp;

/// The machine's clock, and a generator good enough for secrets (ChaCha, seeded by the operating system and
/// reseeded as it runs).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that time comes from")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }

    async fn sleep(&self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

impl Random for SystemClock {
    fn bits(&self) -> u128 {
        rand::random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_of_this_age() {
        let year_2024 = Timestamp::from_millis(1_704_067_200_000);
        assert!(SystemClock.now() > year_2024);
    }

    #[test]
    fn bits_differ() {
        assert_ne!(SystemClock.bits(), SystemClock.bits());
    }
}
