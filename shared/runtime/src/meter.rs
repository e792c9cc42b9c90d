//! Counting: one unit of work is one invocation, and its metrics are written when it ends, as one line.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidings_application::clock::Clock;
use tidings_domain::time::Timestamp;
use tidings_metrics::{Metric, Work};
use tidings_protocol::error::ErrorCode;

use crate::clock::SystemClock;
use crate::settings::{Environment, Setting};

/// What Lambda calls this function.
const FUNCTION_NAME: &str = "AWS_LAMBDA_FUNCTION_NAME";

/// Counts what an invocation does. A clone counts for the same: an environment works on one invocation at a time.
#[derive(Clone, Debug, Default)]
pub struct Meter(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    function: String,
    work: Mutex<Work>,
    /// Whether this environment has served anything yet.
    warm: AtomicBool,
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Meter {
    /// As `METRICS` says; see [`Environment::metrics_on`].
    pub fn of(environment: &Environment) -> Setting<Self> {
        let function = environment.get(FUNCTION_NAME).unwrap_or("unknown");
        Ok(if environment.metrics_on()? { Self::named(function) } else { Self::off() })
    }

    /// Counts for the function of that name.
    pub fn named(function: &str) -> Self {
        let inner = Inner { function: function.to_owned(), work: Mutex::default(), warm: AtomicBool::new(false) };
        Self(Some(Arc::new(inner)))
    }

    /// Counts nothing.
    pub const fn off() -> Self {
        Self(None)
    }

    /// It happened so many times.
    pub fn count(&self, metric: Metric, times: usize) {
        if let Some(inner) = &self.0 {
            inner.lock().count(metric, times as u64);
        }
    }

    /// It took from `since` until now. Two machines' clocks may differ: what ends before it begins took no time.
    pub fn took(&self, metric: Metric, since: Timestamp) {
        self.lasted(metric, SystemClock.now().as_millis().saturating_sub(since.as_millis()));
    }

    /// It took so many milliseconds.
    pub fn lasted(&self, metric: Metric, millis: u64) {
        if let Some(inner) = &self.0 {
            inner.lock().took(metric, millis);
        }
    }

    /// A request was refused.
    pub fn refused(&self, code: ErrorCode) {
        let metric = match code {
            ErrorCode::Behind => Metric::Behind,
            ErrorCode::Unavailable => Metric::Unavailable,
            ErrorCode::Internal => Metric::InternalFaults,
            _ => Metric::Refusals,
        };
        self.count(metric, 1);
    }

    /// The lines of what was counted since the last time.
    pub fn take(&self) -> Vec<String> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let mut work = std::mem::take(&mut *inner.lock());
        work.count(Metric::ColdStarts, u64::from(!inner.warm.swap(true, Ordering::Relaxed)));
        work.lines(&inner.function, SystemClock.now().as_millis())
    }

    /// Writes them, each as a line of its own: they are no messages, so they do not pass the log's format or level.
    pub(crate) fn write(&self) {
        let lines = self.take();
        if lines.is_empty() {
            return;
        }
        let mut text = lines.join("\n");
        text.push('\n');
        // Nobody reads the log: then nobody misses a line of it.
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn taken(meter: &Meter) -> Vec<Value> {
        meter.take().iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_invocation_has_a_line_of_its_own_and_the_first_is_cold() {
        let meter = Meter::named("send");
        meter.clone().count(Metric::Sends, 2);
        let first = taken(&meter);
        assert_eq!((first.len(), &first[0]["Sends"], &first[0]["ColdStarts"]), (1, &2.into(), &1.into()));
        meter.refused(ErrorCode::Behind);
        meter.refused(ErrorCode::Conflict);
        let second = taken(&meter);
        assert_eq!((&second[0]["Behind"], &second[0]["Refusals"]), (&1.into(), &1.into()));
        assert!(second[0].get("Sends").is_none() && second[0].get("ColdStarts").is_none(), "{second:?}");
        assert!(taken(&meter).is_empty(), "nothing happened");
    }

    #[test]
    fn it_can_be_off_and_says_what_is_wrong_with_its_setting() {
        let meter = Meter::of(&Environment::from_pairs([("METRICS", "off")])).unwrap();
        meter.count(Metric::Sends, 1);
        assert!(taken(&meter).is_empty());
        assert!(!taken(&Meter::of(&Environment::from_pairs([])).unwrap()).is_empty(), "on unless turned off");
        let error = Meter::of(&Environment::from_pairs([("METRICS", "some")])).unwrap_err();
        assert_eq!(error.to_string(), "settings: METRICS must be on or off");
    }

    #[test]
    fn a_clock_that_is_behind_makes_no_negative_time() {
        let meter = Meter::named("send");
        meter.took(Metric::AckLatency, SystemClock.now().plus_millis(60_000));
        assert_eq!(taken(&meter)[0]["AckLatency"], 0);
    }
}
