//! Pace: posts in a budget of so many a second, evenly, with a small burst.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};

use crate::clock::Clock;

/// How much of a second's budget may go out at once, in microseconds: a batch for a handful of connections should
/// not wait, and a tenth of a second's posts do not hurt an account's burst.
const BURST_US: u64 = 100_000;

const US_PER_S: u64 = 1_000_000;

/// A budget. One for each environment, which works on one batch at a time.
#[derive(Debug)]
pub struct Pace {
    /// Microseconds from one post to the next.
    step_us: u64,
    /// When the next post may go out at the earliest, in microseconds of the clock (the generic cell rate algorithm,
    /// ITU-T I.371, as a virtual schedule).
    next_us: Mutex<u64>,
}

impl Pace {
    /// So many a second.
    pub const fn per_second(rate: NonZeroU64) -> Self {
        Self { step_us: US_PER_S / rate.get(), next_us: Mutex::new(0) }
    }

    /// As many as there are: for a sender's own few, which are bounded in number.
    pub const fn unbounded() -> Self {
        Self { step_us: 0, next_us: Mutex::new(0) }
    }

    /// Waits for a turn.
    pub(crate) async fn turn(&self, clock: &impl Clock) {
        let wait_us = {
            let now_us = clock.now().as_millis().saturating_mul(1_000);
            let mut next_us = self.next_us.lock().unwrap_or_else(PoisonError::into_inner);
            // What was not used does not pile up beyond the burst.
            let turn_us = (*next_us).max(now_us.saturating_sub(BURST_US));
            *next_us = turn_us.saturating_add(self.step_us);
            turn_us.saturating_sub(now_us)
        };
        if wait_us > 0 {
            clock.sleep(wait_us.div_ceil(1_000)).await;
        }
    }
}
