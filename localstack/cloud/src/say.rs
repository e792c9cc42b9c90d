//! What the local cloud tells the person who started it: one line at a time on standard output.
//!
//! A closed pipe is not an error: nobody is listening, and the cloud goes on.

use std::io::Write as _;

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Loudness {
    /// Nothing at all: tests.
    Silent,
    /// What was started, where, and the functions' warnings and errors.
    #[default]
    Plain,
    /// Also every line that a function logs, and processes coming and going.
    Verbose,
}

/// Says it, whatever the loudness.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

impl Loudness {
    /// Says it unless the cloud is silent.
    pub fn plain(self, text: &str) {
        if self >= Self::Plain {
            line(text);
        }
    }

    /// Says it to who asked for everything.
    pub fn verbose(self, text: &str) {
        if self >= Self::Verbose {
            line(text);
        }
    }
}
