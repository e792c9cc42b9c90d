//! How long things took, and how many there were a second.

use std::time::Duration;

use serde::Serialize;

/// A distribution, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// Half took at most so long.
    pub p50: f64,
    /// 95 of 100 did.
    pub p95: f64,
    /// 99 of 100 did.
    pub p99: f64,
    /// All did.
    pub max: f64,
}

impl Quantiles {
    /// Of these.
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |percent: usize| {
            // The smallest value that so many percent do not exceed.
            let index = (times.len() * percent).div_ceil(100).saturating_sub(1);
            times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1_000.0)
        };
        Self { p50: at(50), p95: at(95), p99: at(99), max: at(100) }
    }
}

/// How many a second, if so many took so long.
pub fn per_second(many: usize, took: Duration) -> f64 {
    // Far fewer than an f64 counts exactly.
    f64::from(u32::try_from(many).unwrap_or(u32::MAX)) / took.as_secs_f64().max(f64::EPSILON)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let times = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(Quantiles::of(times), Quantiles { p50: 50.0, p95: 95.0, p99: 99.0, max: 100.0 });
        let one = Quantiles::of(vec![Duration::from_millis(7)]);
        assert_eq!(one, Quantiles { p50: 7.0, p95: 7.0, p99: 7.0, max: 7.0 });
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}
