//! The fault switch: a plan of what shall go wrong, the one generator that decides when, and a count of what did.
//!
//! - `plan`: the plan,
//! - `Faults`: the switch itself, which the rest of the cloud asks. Without a plan that is one atomic read,
//! - `calls`: what happens to calls of services, and `answers`, how each service says it,
//! - `kills`: when a function's process is killed,
//! - `frames`: what happens to frames and posts,
//! - `records`: what happens to queue records.

mod answers;
mod calls;
mod frames;
mod kills;
mod plan;
mod records;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

pub(crate) use calls::{CallFault, Injected, LATENCY, Mishap};
pub(crate) use frames::{At, FrameFault, PostFault};
pub(crate) use kills::{Fate, Fuse, Moment};
pub use plan::{ALL_OTHERS, Calls, Kills, Plan, PlanError, Posts, Queues, Services, Sockets, Wait};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
pub(crate) use records::Disturbed;
use serde::Serialize;

/// What the switch says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// What shall go wrong.
    pub plan: Plan,
    /// What did, since the start or the last reset: `dynamodb.throttle`, `functions.send.during`, `queues.double`.
    pub injected: BTreeMap<String, u64>,
}

/// The switch.
#[derive(Debug)]
pub(crate) struct Faults {
    /// Whether there is anything in the plan: read before every call, so it is apart.
    on: AtomicBool,
    plan: RwLock<Arc<Plan>>,
    random: Mutex<StdRng>,
    injected: Mutex<BTreeMap<String, u64>>,
    /// How many steps the last call of each function for each use case took; see [`kills`].
    steps: Mutex<HashMap<(String, String), u32>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            on: AtomicBool::new(false),
            plan: RwLock::default(),
            random: Mutex::new(StdRng::seed_from_u64(0)),
            injected: Mutex::default(),
            steps: Mutex::default(),
        }
    }
}

impl Faults {
    /// From now on this plan holds, its choices from their start. It has been checked.
    pub(crate) fn inject(&self, plan: Plan) {
        let on = !plan.is_empty();
        *self.random() = StdRng::seed_from_u64(plan.seed);
        *self.plan.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plan);
        self.on.store(on, Ordering::Relaxed);
    }

    /// The plan, if it holds anything.
    pub(crate) fn plan(&self) -> Option<Arc<Plan>> {
        self.on.load(Ordering::Relaxed).then(|| Arc::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// What was injected.
    pub(crate) fn injected(&self) -> BTreeMap<String, u64> {
        self.counts().clone()
    }

    /// Plan and counts.
    pub(crate) fn report(&self) -> Report {
        let plan = Plan::clone(&self.plan.read().unwrap_or_else(PoisonError::into_inner));
        Report { plan, injected: self.injected() }
    }

    /// Counts from nothing.
    pub(crate) fn reset(&self) {
        self.counts().clear();
    }

    /// Counts a fault that has just been injected.
    pub(crate) fn count(&self, fault: impl Into<String>) {
        *self.counts().entry(fault.into()).or_default() += 1;
    }

    /// How far off the clock of an environment that starts is, in milliseconds; counted.
    pub(crate) fn clock_offset_ms(&self) -> Option<i64> {
        let skew = self.plan().and_then(|plan| i64::try_from(plan.clock_skew_ms).ok()).filter(|skew| *skew > 0)?;
        self.count("clock.skewed");
        Some(self.between(-skew, skew))
    }

    /// Whether it happens this time.
    fn happens(&self, share: f64) -> bool {
        self.choose([(share, ())]).is_some()
    }

    /// Which of several things happens this time, if any; each has its share.
    fn choose<T, const N: usize>(&self, choices: [(f64, T); N]) -> Option<T> {
        // Without a choice the generator isn't asked: what the plan leaves out doesn't shift the choices for the rest.
        if choices.iter().all(|(share, _)| *share <= 0.0) {
            return None;
        }
        let mut left = self.random().random::<f64>();
        for (share, choice) in choices {
            if left < share {
                return Some(choice);
            }
            left -= share;
        }
        None
    }

    /// One of two equal ways to do a thing.
    fn toss(&self) -> bool {
        self.random().random()
    }

    /// A number in a range, its ends included.
    fn between<T: rand::distr::uniform::SampleUniform + PartialOrd>(&self, from: T, to: T) -> T {
        self.random().random_range(from..=to)
    }

    /// A time in a range.
    fn within(&self, wait: Wait) -> Duration {
        let [from, to] = wait.ms;
        Duration::from_millis(self.between(from, to))
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn steps(&self) -> MutexGuard<'_, HashMap<(String, String), u32>> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counts(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        self.injected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_kept_and_seeds_repeat() {
        let faults = Faults::default();
        assert!(faults.plan().is_none(), "no plan, no faults");
        let plan = |seed| Plan { seed, clock_skew_ms: 1, ..Plan::default() };
        let draw = |seed| {
            faults.inject(plan(seed));
            (0..1000).map(|_| faults.choose([(0.1, 'a'), (0.3, 'b')])).collect::<Vec<_>>()
        };
        let first = draw(7);
        let counted = |choice| first.iter().filter(|drawn| **drawn == choice).count();
        assert!((60..140).contains(&counted(Some('a'))), "{}", counted(Some('a')));
        assert!((240..360).contains(&counted(Some('b'))), "{}", counted(Some('b')));
        assert_eq!(first, draw(7));
        assert_ne!(first, draw(8));
        assert_eq!(faults.choose([(0.0, ()), (1.0, ())]), Some(()));
        assert_eq!(faults.choose([(0.0, ())]), None);
        faults.inject(Plan::default());
        assert!(faults.plan().is_none());
    }

    #[test]
    fn counts_go_on_until_they_are_reset() {
        let faults = Faults::default();
        faults.count("posts.gone");
        faults.count("posts.gone");
        faults.inject(Plan::default());
        assert_eq!(faults.injected(), BTreeMap::from([("posts.gone".to_owned(), 2)]));
        faults.reset();
        assert!(faults.injected().is_empty());
    }
}
