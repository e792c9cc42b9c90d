//! Time and chance, as ports: tests replay both.

use std::future::Future;

use tidings_domain::time::Timestamp;

/// Tells and passes time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Returns after `millis` milliseconds.
    fn sleep(&self, millis: u64) -> impl Future<Output = ()> + Send;
}

/// Random numbers, good enough for ids and jitter and, in the real adapter, for secrets.
pub trait Random: Send + Sync {
    /// 128 random bits.
    fn bits(&self) -> u128;

    /// A number from 0 up to and including `most`, evenly enough for jitter.
    fn up_to(&self, most: u64) -> u64 {
        let low = u64::try_from(self.bits() & u128::from(u64::MAX)).unwrap_or(u64::MAX);
        low % most.saturating_add(1).max(1)
    }
}
