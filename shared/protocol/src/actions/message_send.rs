//! `message.send`: append one message or a batch of up to 20, in the order given.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tidings_domain::ids::{ClientId, ConversationId};
use tidings_domain::limits::BATCH_MAX;

use crate::Text;
use crate::body::Body;
use crate::error::ErrorBody;

pub(super) const EXAMPLES: &[(&str, &str)] = &[
    (
        r#"{"action":"message.send","id":"17","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","after":41,"client_id":"01JD0000000000000000000C00","attempt":1,"body":{"type":"text","text":"hi"}}"#,
        r#"{"reply":"17","ok":{"seq":42,"sent_at":1764000000000,"duplicate":false}}"#,
    ),
    (
        r#"{"action":"message.send","id":"18","conversation":"d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00","after":42,"messages":[{"client_id":"01JD0000000000000000000C01","body":{"type":"text","text":"one"}},{"client_id":"01JD0000000000000000000C02","body":{"type":"text","text":"two"}}]}"#,
        r#"{"reply":"18","ok":{"results":[{"seq":43,"sent_at":1764000000500,"duplicate":false},{"error":{"code":"unavailable","message":"try again","retryable":true}}]}}"#,
    ),
];

/// One message (`client_id`, `body`) or a batch (`messages`), never both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("oneOf" = [{ "required": ["client_id", "body"] }, { "required": ["messages"] }]))]
pub struct MessageSend {
    /// Where.
    pub conversation: Text<ConversationId>,
    /// The highest seq that the client knew to exist when the first of these messages entered its outbox. The
    /// search for an earlier attempt begins there. Never above the head.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// How often this was sent, from 1. For metrics alone: every attempt searches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// One message: what its sender calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Text<ClientId>>,
    /// One message: what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// A batch: 1 to 20 messages, appended in this order, stopped at the first failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = BATCH_MAX))]
    pub messages: Option<Vec<Draft>>,
}

/// One message of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    /// What its sender calls it.
    pub client_id: Text<ClientId>,
    /// What it says.
    pub body: Body,
}

impl MessageSend {
    /// One message.
    pub fn one(conversation: ConversationId, after: Option<u64>, draft: Draft) -> Self {
        Self {
            conversation: conversation.into(),
            after,
            attempt: None,
            client_id: Some(draft.client_id),
            body: Some(draft.body),
            messages: None,
        }
    }

    /// A batch.
    pub fn batch(conversation: ConversationId, after: Option<u64>, messages: Vec<Draft>) -> Self {
        Self {
            conversation: conversation.into(),
            after,
            attempt: None,
            client_id: None,
            body: None,
            messages: Some(messages),
        }
    }

    /// The messages, and whether they came as a batch. `None` if the frame has neither form, or both.
    pub fn into_drafts(self) -> Option<(Vec<Draft>, bool)> {
        match (self.client_id, self.body, self.messages) {
            (Some(client_id), Some(body), None) => Some((vec![Draft { client_id, body }], false)),
            (None, None, Some(messages)) => Some((messages, true)),
            _ => None,
        }
    }
}

/// The answer to one message, or to each of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MessageSendReply {
    /// To one message.
    One(Sent),
    /// To a batch: one result per message, in its order.
    Many {
        /// As many as there were messages. After the first failure all are failures.
        results: Vec<SendResult>,
    },
}

/// A message is in the log, and every member's next sync shows it (ACK-1). Not that anybody received it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// Its place.
    pub seq: u64,
    /// When it was appended, in milliseconds since the Unix epoch.
    pub sent_at: u64,
    /// Whether an earlier attempt had appended it.
    pub duplicate: bool,
}

/// What became of one message of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum SendResult {
    /// It is in the log.
    Sent(Sent),
    /// It is not known to be in the log.
    Failed {
        /// Why.
        error: ErrorBody,
    },
}
