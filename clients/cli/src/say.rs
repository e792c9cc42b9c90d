//! The one place that writes to the terminal.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

/// A line of the result. If nobody reads it any more, there is nobody to tell.
pub(crate) fn line(text: impl Display) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// A line for people, beside the result.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A result for programs: one JSON object on one line.
pub(crate) fn json(value: &impl Serialize) {
    match serde_json::to_string(value) {
        Ok(text) => line(text),
        Err(error) => note(error),
    }
}
