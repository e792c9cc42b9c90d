//! Pace: posts in a budget of so many frames a second, evenly, with a small burst.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use tidings_domain::time::Timestamp;

use crate::clock::Clock;

/// How much of a second's budget may go out at once, in nanoseconds: a batch for a handful of connections should not
/// wait, and a tenth of a second's posts do not hurt an account's burst.
const BURST_NS: u64 = 100_000_000;

const NS_PER_S: u64 = 1_000_000_000;
const NS_PER_MS: u64 = 1_000_000;

/// A budget. One for each environment, which works on one batch at a time.
#[derive(Debug)]
pub struct Pace {
    /// Nanoseconds from one frame to the next.
    step_ns: u64,
    /// When the next frame may go out at the earliest, in nanoseconds of the clock (the generic cell rate algorithm,
    /// ITU-T I.371, as a virtual schedule).
    next_ns: Mutex<u64>,
}

impl Pace {
    /// So many frames a second.
    pub const fn per_second(rate: NonZeroU64) -> Self {
        Self { step_ns: NS_PER_S / rate.get(), next_ns: Mutex::new(0) }
    }

    /// As many as there are: for a sender's own few, which are bounded in number.
    pub const fn unbounded() -> Self {
        Self { step_ns: 0, next_ns: Mutex::new(0) }
    }

    /// Waits for the turn of so many frames. `false`, at once, if it would come after `until`.
    pub(crate) async fn turn(&self, frames: u32, until: Timestamp, clock: &impl Clock) -> bool {
        let now_ns = clock.now().as_millis().saturating_mul(NS_PER_MS);
        let until_ns = until.as_millis().saturating_mul(NS_PER_MS);
        let wait_ns = {
            let mut next_ns = self.next_ns.lock().unwrap_or_else(PoisonError::into_inner);
            // What was not used does not pile up beyond the burst.
            let turn_ns = (*next_ns).max(now_ns.saturating_sub(BURST_NS));
            if turn_ns.max(now_ns) >= until_ns {
                return false;
            }
            *next_ns = turn_ns.saturating_add(self.step_ns.saturating_mul(frames.into()));
            turn_ns.saturating_sub(now_ns)
        };
        if wait_ns > 0 {
            clock.sleep(wait_ns.div_ceil(NS_PER_MS)).await;
        }
        true
    }
}
