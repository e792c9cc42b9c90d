//! When the process of a function is killed: before, during or after its work.
//!
//! "During" is at one of its steps: a step is the moment just before, or just after, one of its calls to a service
//! takes effect, so the kills are spread over every two steps that it takes. How many steps a call of a function
//! will take is unknown when it begins; the number that the same function took last for the same use case stands in
//! for it. Both, because two functions may serve one use case: the authorizer and `connect` both serve `$connect`.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::{Faults, Kills};

/// Steps that are tried beyond those that were seen last time, so that longer ways are found: a call's before and
/// after.
const BEYOND: u32 = 2;

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Before it can do anything.
    Before,
    /// At one of its steps.
    During,
    /// When all is done, and its answer is thrown away.
    After,
}

/// How one call of a function ends, when it shall not end well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// See [`Moment::Before`].
    Before,
    /// It is killed at that step, from 1 on; not at all if it takes fewer.
    During(u32),
    /// See [`Moment::After`].
    After,
}

impl Fate {
    /// When its process is killed.
    pub(crate) fn moment(self) -> Moment {
        match self {
            Self::Before => Moment::Before,
            Self::During(_) => Moment::During,
            Self::After => Moment::After,
        }
    }
}

/// Counts the steps of one environment's present call, and knows at which of them it ends.
#[derive(Debug, Default)]
pub(crate) struct Fuse {
    burning: Mutex<Burning>,
    blew: Notify,
}

#[derive(Debug, Default)]
struct Burning {
    taken: u32,
    ends_at: Option<u32>,
}

impl Fuse {
    /// A call begins, or is over: then there is no fate.
    pub(crate) fn set(&self, fate: Option<Fate>) {
        let ends_at = if let Some(Fate::During(step)) = fate { Some(step) } else { None };
        *self.lock() = Burning { taken: 0, ends_at };
    }

    /// One more step. Whether it is the last: then whoever waits for [`Fuse::blown`] is told.
    pub(crate) fn step(&self) -> bool {
        let mut burning = self.lock();
        burning.taken += 1;
        let is_last = burning.ends_at == Some(burning.taken);
        if is_last {
            self.blew.notify_one();
        }
        is_last
    }

    /// How many steps the present call has taken.
    pub(crate) fn taken(&self) -> u32 {
        self.lock().taken
    }

    /// Waits until the process is to be killed.
    pub(crate) async fn blown(&self) {
        loop {
            self.blew.notified().await;
            if self.is_blown() {
                return;
            }
            // The call ended meanwhile.
        }
    }

    fn is_blown(&self) -> bool {
        let burning = self.lock();
        burning.ends_at.is_some_and(|step| step <= burning.taken)
    }

    fn lock(&self) -> MutexGuard<'_, Burning> {
        self.burning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faults {
    /// How a call of a function ends, when it begins. It is counted when it comes to that.
    pub(crate) fn fate(&self, function: &str, use_case: &str) -> Option<Fate> {
        let Kills { before, during, after } = self.plan()?.kills(function);
        Some(match self.choose([(before, Moment::Before), (during, Moment::During), (after, Moment::After)])? {
            Moment::Before => Fate::Before,
            Moment::During => {
                let key = (function.to_owned(), use_case.to_owned());
                Fate::During(self.between(1, self.steps().get(&key).unwrap_or(&0) + BEYOND))
            }
            Moment::After => Fate::After,
        })
    }

    /// A call has ended after so many steps.
    pub(crate) fn note_steps(&self, function: &str, use_case: &str, taken: u32) {
        if self.plan().is_some() {
            self.steps().insert((function.to_owned(), use_case.to_owned()), taken);
        }
    }

    /// A process has been killed.
    pub(crate) fn count_kill(&self, function: &str, moment: Moment) {
        let when = match moment {
            Moment::Before => "before",
            Moment::During => "during",
            Moment::After => "after",
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
        faults.note_steps("send", "message.send", 6);
        faults.note_steps("another", "message.send", 0);
        faults.note_steps("send", "another", 0);
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
        fuse.set(Some(Fate::During(1)));
        assert!(fuse.step() && fuse.is_blown());
        fuse.set(None);
        assert!(!fuse.is_blown(), "that call has ended, and whoever is to kill for it comes too late");
    }
}
