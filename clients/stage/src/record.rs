//! Telling the checker.

use std::sync::{Arc, Mutex, PoisonError};

use tidings_checker::{Digest, History, Seen, Verdict};
use tidings_client::{Body, Entry};

/// The history that all devices of a stage tell to. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Recorder(Arc<Mutex<History>>);

impl Recorder {
    /// Tells it something, or asks.
    pub fn tell<T>(&self, something: impl FnOnce(&mut History) -> T) -> T {
        something(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The numbers so far, and what was seen to be wrong on the spot.
    pub fn so_far(&self) -> Verdict {
        self.tell(|history| history.so_far().clone())
    }

    /// The judgement of everything so far, as if it were the end.
    pub fn judge(&self) -> Verdict {
        self.tell(|history| history.judge())
    }
}

/// A body's fingerprint.
pub(crate) fn digest(body: &Body) -> Digest {
    match body {
        Body::Text { text } => Digest::of(text.as_str()),
        // Nobody here sends one; as text it is at least not the same as another.
        other => Digest::of(&format!("{other:?}")),
    }
}

/// An entry as the checker sees it.
pub(crate) fn seen(entry: &Entry) -> Seen {
    let Entry { seq, sender, client_id, sent_at, kind, body, rev, counts, expires_at } = entry;
    Seen {
        seq: *seq,
        sender: sender.0,
        client_id: client_id.0,
        digest: digest(body),
        stamp: Digest::of(&(sent_at, kind, rev, counts, expires_at)),
    }
}
