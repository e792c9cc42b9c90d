//! The frames around requests and replies.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ErrorBody;

/// A request: the fields of the action beside `action` and `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Request<T> {
    /// Selects the route.
    pub action: String,
    /// Comes back as `reply`; the client's choice, at most 64 bytes.
    pub id: String,
    /// The action's own fields.
    #[serde(flatten)]
    pub body: T,
}

/// A request that has no reply, and so no `id`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Silent<T> {
    /// Selects the route.
    pub action: String,
    /// The action's own fields.
    #[serde(flatten)]
    pub body: T,
}

/// A reply: `{"reply": id, "ok": {...}}` or `{"reply": id, "error": {...}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply<T> {
    /// The request's `id`; null if the request had none that could be read.
    pub reply: Option<String>,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome<T>,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome<T> {
    /// Done.
    Ok(T),
    /// Not done.
    Error(ErrorBody),
}

/// The gateway's own error frame. The outcome of the request is unknown: send it again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayError {
    /// For people.
    pub message: String,
    /// The gateway's name of this connection.
    #[serde(rename = "connectionId")]
    pub connection_id: String,
    /// The gateway's name of the request.
    #[serde(rename = "requestId")]
    pub request_id: String,
}
