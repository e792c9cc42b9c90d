//! `POST /v1/tickets`: what opens one socket.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) const REPLY_EXAMPLE: &str = r#"{"ticket":"opaque","url":"wss://socket.example.com/live","expires_in":30}"#;

/// Connect to `url?ticket=...`. A ticket works once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TicketReply {
    /// Signed, for this device, short-lived.
    pub ticket: String,
    /// The socket's address.
    pub url: String,
    /// Life of the ticket, in seconds.
    pub expires_in: u64,
}
