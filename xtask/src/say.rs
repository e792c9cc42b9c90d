//! The one place that prints. A reader who went away (`| head`) is no error.

use std::io::{IsTerminal as _, Write as _};

/// A line.
pub(crate) fn line(text: &str) {
    drop(writeln!(std::io::stdout(), "{text}"));
}

/// A heading: the start of a lane.
pub(crate) fn heading(text: &str) {
    line(&format!("\n{}", paint("1;36", &format!("== {text}"))));
}

/// Something that the reader must not miss.
pub(crate) fn warning(text: &str) {
    line(&paint("1;33", &format!("warning: {text}")));
}

/// Why a command failed.
pub(crate) fn error(text: &str) {
    line(&paint("1;31", &format!("error: {text}")));
}

/// Whether a person looks at the output.
pub(crate) fn to_a_person() -> bool {
    std::io::stdout().is_terminal()
}

fn paint(colour: &str, text: &str) -> String {
    if to_a_person() { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
}
