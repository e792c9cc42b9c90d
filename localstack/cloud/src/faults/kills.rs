//! When the process of a function is killed: before, during or after its work.
//!
//! "During" is at one of its steps: a step is the moment just before, or just after, one of its calls to a service
//! takes effect, so the kills are spread over every two steps that it takes. How many steps a call of a function
//! will take is unknown when it begins; the number that the same use case took last stands in for it.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use super::{Faults, Kills};

/// Steps that are tried beyond those that were seen last time, so that longer ways are found: a call's before and
/// after.
const BEYOND: u32 = 2;

/// How one call of a function ends, when it shall not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its process is killed before it can do anything.
    Before,
    /// It is killed at that step, from 1 on; not at all if it takes fewer.
    During(u32),
    /// It is killed when all is done, and its answer is thrown away.
    After,
}

/// Counts the steps of one environment's present call, and knows at which of them it ends.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    taken: AtomicU32,
    /// 0: at none.
    ends_at: AtomicU32,
    blown: Notify,
}

impl Fuse {
    /// A new call begins.
    pub(crate) fn set(&self, fate: Option<Fate>) {
        let ends_at = if let Some(Fate::During(step)) = fate { step } else { 0 };
        self.ends_at.store(ends_at, Ordering::Relaxed);
        self.taken.store(0, Ordering::Relaxed);
    }

    /// One more step. Whether it is the last: then whoever waits for [`Fuse::blown`] is told.
    pub(crate) fn step(&self) -> bool {
        let step = self.taken.fetch_add(1, Ordering::Relaxed) + 1;
        let is_last = step == self.ends_at.load(Ordering::Relaxed);
        if is_last {
            self.blown.notify_one();
        }
        is_last
    }

    /// How many steps the present call has taken.
    pub(crate) fn taken(&self) -> u32 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits until the process is to be killed.
    pub(crate) async fn blown(&self) {
        self.blown.notified().await;
    }
}

impl Faults {
    /// How a call of a function ends, when it begins. It is counted when it comes to that.
    pub(crate) fn fate(&self, function: &str, use_case: &str) -> Option<Fate> {
        let Kills { before, during, after } = self.plan()?.kills(function);
        let fate = self.choose([(before, Fate::Before), (during, Fate::During(0)), (after, Fate::After)])?;
        Some(match fate {
            Fate::During(_) => Fate::During(self.between(1, self.steps().get(use_case).unwrap_or(&0) + BEYOND)),
            Fate::Before | Fate::After => fate,
        })
    }

    /// A call has ended after so many steps.
    pub(crate) fn note_steps(&self, use_case: &str, taken: u32) {
        if self.plan().is_some() {
            self.steps().insert(use_case.to_owned(), taken);
        }
    }

    /// A process has been killed.
    pub(crate) fn count_kill(&self, function: &str, fate: Fate) {
        let when = match fate {
            Fate::Before => "before",
            Fate::During(_) => "during",
            Fate::After => "after",
        };
        self.count(format!("functions.{function}.{when}"));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::faults::Plan;

    #[test]
    fn kills_reach_every_step_of_the_last_call() {
        let faults = Faults::default();
        assert_eq!(faults.fate("send", "message.send"), None);
        let always = Kills { during: 1.0, ..Kills::default() };
        faults.inject(Plan { functions: BTreeMap::from([("send".to_owned(), always)]), ..Plan::default() });
        assert_eq!(faults.fate("sync", "sync"), None);
        let fates = |faults: &Faults| {
            let fates = (0..200).filter_map(|_| faults.fate("send", "message.send"));
            fates.map(|fate| if let Fate::During(step) = fate { step } else { 0 }).collect::<BTreeSet<_>>()
        };
        assert_eq!(fates(&faults), BTreeSet::from([1, 2]), "nothing is known yet");
        faults.note_steps("message.send", 6);
        assert_eq!(fates(&faults), (1..=8).collect());
    }

    #[test]
    fn a_fuse_blows_at_its_step_and_never_after_a_new_call_began() {
        let fuse = Fuse::default();
        fuse.set(Some(Fate::During(3)));
        assert_eq!([fuse.step(), fuse.step(), fuse.step(), fuse.step()], [false, false, true, false]);
        assert_eq!(fuse.taken(), 4);
        fuse.set(None);
        assert_eq!([fuse.step(), fuse.step(), fuse.step()], [false; 3]);
        fuse.set(Some(Fate::After));
        assert!(!fuse.step());
    }
}
