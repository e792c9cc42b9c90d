//! A token bucket, as API Gateway and DynamoDB throttle with one.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// So many per second, and a burst on top.
#[derive(Debug)]
pub(crate) struct Bucket {
    per_second: f64,
    burst: f64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, state: Mutex::new(State { tokens: burst, at: Instant::now() }) }
    }

    /// Takes `amount` if that much is there.
    pub(crate) fn take(&self, amount: f64) -> bool {
        self.take_at(Instant::now(), amount)
    }

    /// Whether anything is left: for callers that learn the price afterwards.
    pub(crate) fn is_open(&self) -> bool {
        self.level_at(Instant::now()) > 0.0
    }

    /// Takes `amount`, into debt if need be.
    pub(crate) fn charge(&self, amount: f64) {
        self.with(Instant::now(), |tokens| *tokens -= amount);
    }

    /// Whether it is full again, so that it need not be remembered.
    pub(crate) fn is_full(&self) -> bool {
        self.level_at(Instant::now()) >= self.burst
    }

    fn take_at(&self, now: Instant, amount: f64) -> bool {
        self.with(now, |tokens| {
            let enough = *tokens >= amount;
            if enough {
                *tokens -= amount;
            }
            enough
        })
    }

    fn level_at(&self, now: Instant) -> f64 {
        self.with(now, |tokens| *tokens)
    }

    fn with<T>(&self, now: Instant, act: impl FnOnce(&mut f64) -> T) -> T {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let refill = now.saturating_duration_since(state.at).as_secs_f64() * self.per_second;
        state.tokens = (state.tokens + refill).min(self.burst);
        state.at = state.at.max(now);
        act(&mut state.tokens)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_empties_and_refills() {
        let bucket = Bucket::new(10.0, 5.0);
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        for _ in 0..5 {
            assert!(bucket.take_at(start, 1.0));
        }
        assert!(!bucket.take_at(start, 1.0));
        assert!(bucket.take_at(after(101), 1.0));
        assert!(!bucket.take_at(after(102), 1.0));
        let level = bucket.level_at(after(60_000));
        assert!((level - 5.0).abs() < 1e-9, "it never holds more than the burst: {level}");
    }

    #[test]
    fn debt_is_paid_back_before_it_opens() {
        let bucket = Bucket::new(10.0, 10.0);
        let start = Instant::now();
        bucket.charge(20.0);
        assert!(bucket.level_at(start + Duration::from_millis(900)) <= 0.0);
        assert!(bucket.level_at(start + Duration::from_millis(1100)) > 0.0);
    }
}
