//! Faults of queue records on their way to a function.

use std::time::Duration;

use super::Faults;

/// How long a record is held back so that what comes after it overtakes it.
const OVERTAKEN: Duration = Duration::from_millis(500);

/// One batch, and what becomes of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Disturbed<T> {
    /// Handed over now. May hold a record twice.
    pub(crate) batch: Vec<T>,
    /// Of those, the ones that aren't deleted afterwards and so come again, as if the deletion had been lost.
    pub(crate) undeleted: Vec<T>,
    /// Handed over once more, in a batch of their own.
    pub(crate) twins: Vec<T>,
    /// Handed over later, each by itself.
    pub(crate) held: Vec<(Duration, T)>,
    /// Not handed over this time: they come again.
    pub(crate) dropped: Vec<T>,
}

impl<T> Disturbed<T> {
    /// All of it handed over as it came.
    pub(crate) fn undisturbed(batch: Vec<T>) -> Self {
        Self { batch, undeleted: Vec::new(), twins: Vec::new(), held: Vec::new(), dropped: Vec::new() }
    }
}

/// What happens to one record.
enum Fault {
    Redeliver,
    Double,
    Delay,
}

impl Faults {
    /// What becomes of a batch, counted. A batch holds at most `most` records.
    pub(crate) fn of_batch<T: Clone>(&self, mut batch: Vec<T>, most: usize) -> Disturbed<T> {
        let Some(plan) = self.plan() else { return Disturbed::undisturbed(batch) };
        let queues = plan.queues;
        let mut disturbed = Disturbed::undisturbed(Vec::with_capacity(batch.len()));
        if !batch.is_empty() && self.happens(queues.reorder) {
            self.count("queues.reorder");
            if batch.len() > 1 && self.toss() {
                let first = self.between(1, batch.len() - 1);
                batch.rotate_left(first);
            } else {
                disturbed.held.push((OVERTAKEN, batch.remove(0)));
            }
        }
        let mut room = most.saturating_sub(batch.len());
        let mut repeated = Vec::new();
        for record in batch {
            match self.choose([
                (queues.redeliver, Fault::Redeliver),
                (queues.double, Fault::Double),
                (queues.delay.share, Fault::Delay),
            ]) {
                Some(Fault::Redeliver) => {
                    self.count("queues.redeliver");
                    if self.toss() {
                        disturbed.dropped.push(record);
                        continue;
                    }
                    disturbed.undeleted.push(record.clone());
                }
                Some(Fault::Double) => {
                    self.count("queues.double");
                    if room > 0 && self.toss() {
                        room -= 1;
                        repeated.push(record.clone());
                    } else {
                        disturbed.twins.push(record.clone());
                    }
                }
                Some(Fault::Delay) => {
                    self.count("queues.delay");
                    disturbed.held.push((self.within(queues.delay), record));
                    continue;
                }
                None => {}
            }
            disturbed.batch.push(record);
        }
        disturbed.batch.append(&mut repeated);
        disturbed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Plan, Queues, Wait};

    fn disturb(queues: Queues) -> Vec<Disturbed<u32>> {
        let faults = Faults::default();
        faults.inject(Plan { queues, ..Plan::default() });
        (0..50).map(|_| faults.of_batch((0..5).collect(), 10)).collect()
    }

    #[test]
    fn no_record_gets_lost() {
        let queues = Queues { redeliver: 0.3, double: 0.3, delay: Wait { share: 0.3, ms: [1, 2] }, reorder: 0.5 };
        let all = disturb(queues);
        for disturbed in &all {
            let held = disturbed.held.iter().map(|(_, record)| *record);
            let mut seen: Vec<_> = disturbed.batch.iter().chain(&disturbed.dropped).copied().chain(held).collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen, [0, 1, 2, 3, 4], "{disturbed:?}");
            assert!(disturbed.batch.len() <= 10);
        }
        assert!(all.iter().any(|one| !one.undeleted.is_empty()) && all.iter().any(|one| !one.dropped.is_empty()));
        assert!(all.iter().any(|one| !one.twins.is_empty()) && all.iter().any(|one| !one.batch.is_sorted()));
    }

    #[test]
    fn a_reordered_batch_is_never_as_it_was() {
        for disturbed in disturb(Queues { reorder: 1.0, ..Queues::default() }) {
            assert!(!disturbed.held.is_empty() || !disturbed.batch.is_sorted(), "{disturbed:?}");
        }
    }

    #[test]
    fn a_full_batch_stays_within_its_size() {
        let faults = Faults::default();
        faults.inject(Plan { queues: Queues { double: 1.0, ..Queues::default() }, ..Plan::default() });
        let disturbed = faults.of_batch(vec![1, 2], 2);
        assert_eq!((disturbed.batch, disturbed.twins), (vec![1, 2], vec![1, 2]));
        assert_eq!(faults.injected()["queues.double"], 2);
    }
}
