//! The closed list of errors.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What `$default` says of an action that nobody serves.
pub const NO_SUCH_ACTION: &str = "there is no such action";

/// A stable code. Clients decide by it alone; the message is for people who read logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed or breaks a rule of its own; sending it again cannot help.
    BadRequest,
    /// No valid token or ticket.
    Unauthenticated,
    /// Known, and not allowed.
    Forbidden,
    /// Not a member of the conversation, whether or not it exists.
    NotAMember,
    /// What is named does not exist.
    NotFound,
    /// Something else already has this name or client id.
    Conflict,
    /// More than 1,000 entries behind: pull, raise `after`, send again. A change of a group or of contacts looks through
    /// 10,000: ask again later, under a new client id.
    Behind,
    /// Beyond a limit of size.
    TooLarge,
    /// Too often; `retry_after_ms` says when again.
    RateLimited,
    /// Could not be done now, outcome possibly unknown: send the same request again.
    Unavailable,
    /// A fault of ours. Sending again may help; what was stored stays single.
    Internal,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 11] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotAMember,
        Self::NotFound,
        Self::Conflict,
        Self::Behind,
        Self::TooLarge,
        Self::RateLimited,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Whether the same request may succeed later. `internal` counts: a client that gave up on a message because
    /// of a fault of ours would lose it.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Internal)
    }

    /// Status of an HTTP answer with this code.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden | Self::NotAMember => 403,
            Self::NotFound => 404,
            Self::Conflict | Self::Behind => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// What went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ErrorBody {
    /// The stable code.
    pub code: ErrorCode,
    /// For people; may change at any time.
    pub message: String,
    /// Whether sending the same again may succeed.
    pub retryable: bool,
    /// With `rate_limited`: how long to wait, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// With a client id from the future: the server's time, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_time: Option<u64>,
}

impl ErrorBody {
    /// An error with what follows from its code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: code.retryable(), retry_after_ms: None, server_time: None }
    }
}

/// An HTTP error's body: `{"error": {...}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HttpError {
    /// What went wrong.
    pub error: ErrorBody,
}
