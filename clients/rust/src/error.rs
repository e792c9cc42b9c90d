//! What can go wrong, one type per operation.

use thiserror::Error;
use tidings_domain::ids::UserId;
use tidings_protocol::body::InvalidBody;
use tidings_protocol::error::{ErrorBody, ErrorCode};

/// The local store failed. What was in memory may be ahead of it, so the client stops.
#[derive(Clone, Debug, Error)]
#[error("the local store failed: {0}")]
pub struct StoreError(pub(crate) String);

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self(format!("a row does not read: {error}"))
    }
}

/// An HTTP request failed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum ApiError {
    /// The address of the server is none.
    #[error("`{0}` is no server address; it begins with http:// or https://")]
    Address(String),
    /// No answer, so the outcome is unknown.
    #[error("the server at {server} cannot be reached ({reason})")]
    Unreachable {
        /// The server's address.
        server: String,
        /// What the network said.
        reason: String,
    },
    /// The server answered with an error.
    #[error("{} ({})", .0.message, code_name(.0.code))]
    Refused(ErrorBody),
    /// Something answered, but not a Tidings server.
    #[error("the server at {server} gave an answer that is not Tidings' (status {status})")]
    Garbled {
        /// The server's address.
        server: String,
        /// The HTTP status.
        status: u16,
    },
    /// The device is not signed in, or no longer.
    #[error("this device is not signed in")]
    SignedOut,
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ApiError {
    /// The server's code, if it was the server that refused.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(error) => Some(error.code),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Garbled { .. } => true,
            Self::Refused(error) => error.code.retryable(),
            Self::Address(_) | Self::SignedOut | Self::Store(_) => false,
        }
    }
}

/// The name of a code as it stands on the wire.
pub(crate) fn code_name(code: ErrorCode) -> String {
    serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Why a client could not be opened.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nobody is signed in here; [`crate::Client::sign_in`] first.
    #[error("nobody is signed in here")]
    NotSignedIn,
    /// The store holds somebody else's conversations.
    #[error("this profile belongs to {0}; use another one")]
    OtherUser(UserId),
    /// The store holds conversations of another server.
    #[error("this profile belongs to the server {0}; use another one")]
    OtherServer(String),
    /// The server refused, or could not be reached.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a message could not enter the outbox. It is not stored and will not be sent.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum SendError {
    /// The body breaks a rule of the wire.
    #[error(transparent)]
    Body(#[from] InvalidBody),
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a message in the outbox is not acknowledged.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum NotSent {
    /// The server refuses it for good. It is out of the outbox.
    #[error("{} ({})", .0.message, code_name(.0.code))]
    Refused(ErrorBody),
    /// The client was closed. The message is still in the outbox and goes out with the next connection.
    #[error("the client is closed; the message is in the outbox")]
    Closed,
}

/// Why a call has no reply.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server answered with an error.
    #[error("{} ({})", .0.message, code_name(.0.code))]
    Refused(ErrorBody),
    /// No reply in time; whether it was done is unknown.
    #[error("no answer in time")]
    TimedOut,
    /// The reply has another form than this client knows.
    #[error("the answer is not understood: {0}")]
    Garbled(String),
    /// The client was closed.
    #[error("the client is closed")]
    Closed,
    /// The request came over HTTP, and failed there.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The local store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
