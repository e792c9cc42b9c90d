//! How long the actions of a run took, and which failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tidings_stage::Quantiles;

/// Counts and times by action.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<BTreeMap<&'static str, Times>>);

#[derive(Debug, Default)]
struct Times {
    took: Vec<Duration>,
    failed: usize,
}

/// How one action went.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Timed {
    /// How often it succeeded.
    pub(crate) count: usize,
    /// How often it did not, for instance because no answer came in time while everything fails now and then.
    pub(crate) failed: usize,
    /// How long the successful ones took, in milliseconds.
    #[serde(flatten)]
    pub(crate) ms: Quantiles,
}

impl Meter {
    /// One more that succeeded.
    pub(crate) fn took(&self, action: &'static str, took: Duration) {
        self.with(action, |times| times.took.push(took));
    }

    /// One more that did not.
    pub(crate) fn failed(&self, action: &'static str) {
        self.with(action, |times| times.failed += 1);
    }

    /// Does it and takes the time.
    pub(crate) async fn time<T, E>(&self, action: &'static str, doing: impl Future<Output = Result<T, E>>) {
        let began = Instant::now();
        match doing.await {
            Ok(_) => self.took(action, began.elapsed()),
            Err(_) => self.failed(action),
        }
    }

    /// What it has so far of one action.
    pub(crate) fn of(&self, action: &'static str) -> Timed {
        self.with(action, |times| times.summary())
    }

    /// What it has so far.
    pub(crate) fn all(&self) -> BTreeMap<&'static str, Timed> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(action, times)| (*action, times.summary())).collect()
    }

    fn with<T>(&self, action: &'static str, change: impl FnOnce(&mut Times) -> T) -> T {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(action).or_default())
    }
}

impl Times {
    fn summary(&self) -> Timed {
        Timed { count: self.took.len(), failed: self.failed, ms: Quantiles::of(self.took.clone()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_fails_is_counted_and_not_timed() {
        let meter = Meter::default();
        meter.time("sync", async { Ok::<_, ()>(1) }).await;
        meter.time("sync", async { Err::<(), _>(1) }).await;
        meter.took("send", Duration::from_millis(7));
        let all = meter.all();
        assert_eq!((all["sync"].count, all["sync"].failed), (1, 1));
        assert_eq!((meter.of("send").count, meter.of("send").ms.p99), (1, 7.0));
    }
}
