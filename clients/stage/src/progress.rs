//! How far a run is, for whoever wants to show it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How far one part of a run is. Each part begins with `done` 0 and ends with `done` as `total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub what: &'static str,
    /// So many are done.
    pub done: usize,
    /// Of so many.
    pub total: usize,
}

/// Whoever is told.
pub type Audience = Arc<dyn Fn(Progress) + Send + Sync>;

/// Counts one part.
pub(crate) struct Steps<'a> {
    audience: &'a Audience,
    what: &'static str,
    total: usize,
    done: AtomicUsize,
}

impl<'a> Steps<'a> {
    pub(crate) fn begin(audience: &'a Audience, what: &'static str, total: usize) -> Self {
        audience(Progress { what, done: 0, total });
        Self { audience, what, total, done: AtomicUsize::new(0) }
    }

    /// One more is done.
    pub(crate) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        (self.audience)(Progress { what: self.what, done, total: self.total });
    }
}
