//! How far a replay is: a bar on a terminal, now and then a line elsewhere.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::say;

/// Time between lines where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(5);

/// The progress of one stage.
pub(super) struct Progress {
    what: &'static str,
    total: u64,
    done: AtomicU64,
    began: Instant,
    bar: Option<ProgressBar>,
    /// Milliseconds from the beginning to the last line.
    told: AtomicU64,
}

impl Progress {
    pub(super) fn new(what: &'static str, total: usize) -> Self {
        let total = total as u64;
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg:<24} {wide_bar} {pos}/{len} {per_sec} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total).with_style(style).with_message(what)
        });
        Self { what, total, done: AtomicU64::new(0), began: Instant::now(), bar, told: AtomicU64::new(0) }
    }

    /// One more is done.
    pub(super) fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(bar) = &self.bar {
            return bar.inc(1);
        }
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let told = self.told.load(Ordering::Relaxed);
        let due = now >= told + u64::try_from(LINES_EVERY.as_millis()).unwrap_or(u64::MAX);
        // Whoever changes it says it.
        if due && self.told.compare_exchange(told, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
            self.tell(done);
        }
    }

    /// The stage is over.
    pub(super) fn end(self) -> Duration {
        let took = self.began.elapsed();
        match &self.bar {
            Some(bar) => bar.finish(),
            None => self.tell(self.done.load(Ordering::Relaxed)),
        }
        took
    }

    fn tell(&self, done: u64) {
        say::note(format_args!("{}: {done} of {}, {:.1} s", self.what, self.total, self.began.elapsed().as_secs_f64()));
    }
}
