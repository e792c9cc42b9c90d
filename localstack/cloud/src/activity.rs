//! How much is under way at a moment, for whoever waits until the cloud has come to rest.
//!
//! Work is handed on: from a queue to a function, from a socket's end to `$disconnect`. Between two hands it is in
//! no queue's and in no function's count, and while a call is late by injection it is in none for long. So work is
//! counted here from its first moment to its last.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts work that is under way. A clone counts the same.
#[derive(Debug, Clone, Default)]
pub(crate) struct Activity(Arc<Mutex<Reading>>);

/// What [`Activity`] says at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// How much is under way.
    pub(crate) under_way: usize,
    /// How often work began or ended. Between two readings that are equal nothing did.
    changes: u64,
}

/// One piece of work; it ends with this.
#[derive(Debug)]
pub(crate) struct UnderWay(Activity);

impl Activity {
    /// Work begins.
    pub(crate) fn begin(&self) -> UnderWay {
        let mut reading = self.lock();
        reading.under_way += 1;
        reading.changes += 1;
        UnderWay(self.clone())
    }

    /// What is under way now.
    pub(crate) fn read(&self) -> Reading {
        *self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut reading = self.0.lock();
        reading.under_way -= 1;
        reading.changes += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_came_and_went_shows() {
        let activity = Activity::default();
        let before = activity.read();
        let work = activity.clone().begin();
        assert_eq!(activity.read().under_way, 1);
        drop(work);
        assert_eq!(activity.read().under_way, 0);
        assert_ne!(activity.read(), before);
    }
}
