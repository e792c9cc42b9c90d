//! How far a replay is: a bar on a terminal, now and then a line elsewhere.

use std::io::IsTerminal;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tidings_stage::Progress;

use crate::say;

/// Time between lines where there is no terminal.
const LINES_EVERY: Duration = Duration::from_secs(5);

/// Shows one part of a replay after the other.
#[derive(Default)]
pub(super) struct Bars(Mutex<Option<Bar>>);

struct Bar {
    began: Instant,
    told: Instant,
    /// On a terminal.
    drawn: Option<ProgressBar>,
}

impl Bar {
    fn begin(progress: Progress) -> Self {
        let drawn = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{msg:<24} {wide_bar} {pos}/{len} {per_sec} {elapsed}")
                .unwrap_or_else(|_| ProgressStyle::default_bar());
            let total = u64::try_from(progress.total).unwrap_or(u64::MAX);
            ProgressBar::new(total).with_style(style).with_message(progress.what)
        });
        Self { began: Instant::now(), told: Instant::now(), drawn }
    }
}

impl Bars {
    /// Shows how far it is.
    pub(super) fn show(&self, progress: Progress) {
        let mut present = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.done == 0 {
            *present = Some(Bar::begin(progress));
        }
        let Some(bar) = present.as_mut() else { return };
        let over = progress.done == progress.total;
        if let Some(drawn) = &bar.drawn {
            drawn.set_position(u64::try_from(progress.done).unwrap_or(u64::MAX));
            if over {
                drawn.finish();
            }
        } else if over || bar.told.elapsed() >= LINES_EVERY {
            bar.told = Instant::now();
            let Progress { what, done, total } = progress;
            say::note(format_args!("{what}: {done} of {total}, {:.1} s", bar.began.elapsed().as_secs_f64()));
        }
        if over {
            *present = None;
        }
    }
}
