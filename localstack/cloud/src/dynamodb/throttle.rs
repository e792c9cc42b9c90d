//! The throttle of each partition: 1,000 write and 3,000 read units a second, with a burst of one second.
//!
//! A call is admitted while its partitions are not in debt, and pays afterwards, when its price is known. Real
//! DynamoDB lets a partition burst on five minutes of saved capacity and moves hot ones; that hides hot partitions
//! for a while, and here they shall show.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::partitions::Partition;
use crate::bucket::Bucket;

/// How many partitions are remembered before those with full buckets are dropped.
const REMEMBERED: usize = 50_000;

#[derive(Debug)]
pub(super) struct Throttle {
    reads_per_s: f64,
    writes_per_s: f64,
    partitions: Mutex<HashMap<Partition, Buckets>>,
}

#[derive(Debug)]
struct Buckets {
    reads: Bucket,
    writes: Bucket,
}

impl Buckets {
    fn of(&self, writes: bool) -> &Bucket {
        if writes { &self.writes } else { &self.reads }
    }
}

impl Throttle {
    pub(super) fn new(reads_per_s: f64, writes_per_s: f64) -> Self {
        Self { reads_per_s, writes_per_s, partitions: Mutex::default() }
    }

    /// Whether none of the partitions is too hot.
    pub(super) fn admits(&self, touched: &[Partition], writes: bool) -> bool {
        let partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        touched.iter().all(|partition| partitions.get(partition).is_none_or(|buckets| buckets.of(writes).is_open()))
    }

    /// Takes what a call cost from its partitions, in equal shares.
    pub(super) fn charge(&self, touched: Vec<Partition>, writes: bool, units: f64) {
        if units <= 0.0 || touched.is_empty() {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "at most a hundred partitions in a call")]
        let share = units / touched.len() as f64;
        let mut partitions = self.partitions.lock().unwrap_or_else(PoisonError::into_inner);
        if partitions.len() > REMEMBERED {
            partitions.retain(|_, buckets| !(buckets.reads.is_full() && buckets.writes.is_full()));
        }
        for partition in touched {
            let buckets = partitions.entry(partition).or_insert_with(|| Buckets {
                reads: Bucket::new(self.reads_per_s, self.reads_per_s),
                writes: Bucket::new(self.writes_per_s, self.writes_per_s),
            });
            buckets.of(writes).charge(share);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hot_partition_is_refused_and_its_neighbours_are_not() {
        let throttle = Throttle::new(30.0, 10.0);
        let hot = || vec![Partition::new("log", "hot")];
        throttle.charge(hot(), true, 9.0);
        assert!(throttle.admits(&hot(), true));
        throttle.charge(hot(), true, 9.0);
        assert!(!throttle.admits(&hot(), true));
        assert!(throttle.admits(&hot(), false), "reads have their own bucket");
        assert!(throttle.admits(&[Partition::new("log", "cold")], true));
        assert!(throttle.admits(&[Partition::new("inboxes", "hot")], true), "so does each table");
    }
}
