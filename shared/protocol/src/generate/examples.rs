//! Example frames that belong to no single action.

use crate::envelope::{GatewayError, Reply};
use crate::error::HttpError;
use crate::event::Events;
use crate::shape::Shape;

/// A frame from the server that may come at any time, with examples.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Its name in the schemas.
    pub name: &'static str,
    /// What it is.
    pub summary: &'static str,
    /// The whole frame.
    pub shape: Shape,
    /// Examples.
    pub examples: &'static [&'static str],
}

/// Carries nothing on success: stands for any reply, because an error looks the same in all of them.
type AnyReply = Reply<serde_json::Map<String, serde_json::Value>>;

/// The frames.
pub const SERVER_FRAMES: &[Frame] = &[
    Frame {
        name: "ErrorReplyFrame",
        summary: "The reply to any request that was not done.",
        shape: Shape::of::<AnyReply>(),
        examples: &[
            r#"{"reply":"19","error":{"code":"not_a_member","message":"you are no member of this conversation","retryable":false}}"#,
            r#"{"reply":"20","error":{"code":"rate_limited","message":"too often","retryable":true,"retry_after_ms":1500}}"#,
            r#"{"reply":null,"error":{"code":"bad_request","message":"not JSON","retryable":false}}"#,
        ],
    },
    Frame {
        name: "EventsFrame",
        summary: "What happened, unasked. Only ever a hint: the log tells.",
        shape: Shape::of::<Events>(),
        examples: &[
            r#"{"events":[{"type":"entry","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","entry":{"seq":42,"sender":"u_01JD0000000000000000000A00","client_id":"01JD0000000000000000000C00","sent_at":1764000000000,"kind":"message","body":{"type":"text","text":"hi"},"rev":0,"counts":[21,21]}},{"type":"read","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","user":"u_01JD0000000000000000000B00","seq":42}]}"#,
            r#"{"events":[{"type":"pull","within_ms":5000}]}"#,
            r#"{"events":[{"type":"kicked","reason":"login_policy"}]}"#,
            r#"{"events":[{"type":"presence","user":"u_01JD0000000000000000000B00","online":true},{"type":"presence","user":"u_01JD0000000000000000000A00","online":false,"last_seen":1764000000000}]}"#,
            r#"{"events":[{"type":"typing","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","user":"u_01JD0000000000000000000B00"}]}"#,
        ],
    },
    Frame {
        name: "GatewayErrorFrame",
        summary: "The gateway's own error. The outcome of the request is unknown: send it again.",
        shape: Shape::of::<GatewayError>(),
        examples: &[
            r#"{"message":"Internal server error","connectionId":"aBcDeFgHiJkLmNo=","requestId":"pQrStUvWxYz0123="}"#,
        ],
    },
];

/// The body of every HTTP error, with its example.
pub(super) const HTTP_ERROR: (Shape, &str) = (
    Shape::of::<HttpError>(),
    r#"{"error":{"code":"conflict","message":"this user name is taken","retryable":false}}"#,
);
