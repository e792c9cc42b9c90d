//! `POST /v1/tickets`: what opens one socket.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const REPLY_EXAMPLE: &str = r#"{"ticket":"opaque","url":"wss://socket.example.com/live","expires_in":30}"#;

/// Connect to `url?ticket=...`. A ticket works once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketReply {
    /// Signed, for this device, short-lived.
    pub ticket: String,
    /// The socket's address.
    pub url: String,
    /// Life of the ticket, in seconds.
    pub expires_in: u64,
}

impl fmt::Debug for TicketReply {
    /// A ticket must not end in a log because somebody printed a reply.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { url, expires_in, .. } = self;
        f.debug_struct("TicketReply").field("url", url).field("expires_in", expires_in).finish_non_exhaustive()
    }
}
