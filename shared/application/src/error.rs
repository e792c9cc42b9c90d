//! What a port says when it could not do its work.

use std::error::Error;
use std::fmt;

/// A port's failure. What it was is the adapter's affair and goes to the log; the use case only needs to know
/// whether trying again may help.
#[derive(Debug)]
pub struct PortError {
    /// Whether the same call may succeed later. The outcome of a retryable write is unknown.
    pub retryable: bool,
    source: Box<dyn Error + Send + Sync>,
}

impl PortError {
    /// A failure that may pass: a time-out, a throttle, a 5xx.
    pub fn retryable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retryable: true, source: source.into() }
    }

    /// A failure that will not pass by itself: a missing table, a denied permission, an item that does not parse.
    pub fn fatal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { retryable: false, source: source.into() }
    }
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl Error for PortError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        // `Display` is the source's own text already.
        self.source.source()
    }
}
