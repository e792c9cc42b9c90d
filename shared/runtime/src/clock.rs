//! The machine's time and randomness.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tidings_application::clock::{Clock, Random};
use tidings_domain::time::Timestamp;

use crate::settings::Environment;

/// By how many milliseconds the clock is put forward (or back, below 0): `CLOCK_OFFSET_MS`. A testing aid: machines'
/// clocks differ, and the local cloud's fault switch makes them differ by more. No deployment sets it.
static OFFSET_MS: LazyLock<i64> = LazyLock::new(|| offset_ms(&Environment::process()));

/// What is no number is ignored: the log's own timestamps come from here, so there is nobody to tell yet, and only
/// the local cloud, which writes a number, sets it at all.
fn offset_ms(environment: &Environment) -> i64 {
    environment.get("CLOCK_OFFSET_MS").and_then(|offset| offset.parse().ok()).unwrap_or_default()
}

/// The machine's clock, and a generator good enough for secrets (ChaCha, seeded by the operating system and
/// reseeded as it runs).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that time comes from")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
        Timestamp::from_millis(millis.saturating_add_signed(*OFFSET_MS))
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
    fn the_offset_is_read_and_nonsense_is_none() {
        for (set, offset) in [("5000", 5_000), ("-250", -250), ("", 0), ("soon", 0)] {
            assert_eq!(offset_ms(&Environment::from_pairs([("CLOCK_OFFSET_MS", set)])), offset, "{set}");
        }
        assert_eq!(offset_ms(&Environment::from_pairs([])), 0);
    }

    #[test]
    fn bits_differ() {
        assert_ne!(SystemClock.bits(), SystemClock.bits());
    }
}
