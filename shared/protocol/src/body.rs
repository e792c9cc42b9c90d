//! What a message says. A new content type is a new variant here and nothing else on the server: below this crate
//! bodies are opaque.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits::BODY_MAX;
use crate::news::News;

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Body {
    /// Plain text. Never rendered as anything else.
    Text {
        /// The text, not empty.
        #[schemars(length(min = 1))]
        text: String,
    },
    /// What a system entry tells. Written by the server alone.
    #[serde(untagged)]
    News(News),
    /// A type that this version does not know, or a form of it. Readers keep it as it is and say so; it cannot be sent.
    #[serde(untagged)]
    #[schemars(skip)]
    Other(serde_json::Map<String, serde_json::Value>),
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidBody {
    /// A text without any character.
    Empty,
    /// More than [`BODY_MAX`] bytes of encoded JSON.
    TooLarge,
    /// Not a type, or not a form of it, that this version knows and people write.
    Unknown,
}

impl std::fmt::Display for InvalidBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("a text is not empty"),
            Self::Unknown => f.write_str("not a body that this version knows"),
            Self::TooLarge => write!(f, "a body is at most {BODY_MAX} bytes of JSON; larger content goes to a file"),
        }
    }
}

impl std::error::Error for InvalidBody {}

impl Body {
    /// A text message.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// The body as the one JSON text that is stored, hashed and counted.
    pub fn encode(&self) -> Result<String, InvalidBody> {
        match self {
            Self::Text { text } if text.is_empty() => return Err(InvalidBody::Empty),
            Self::Text { .. } => {}
            Self::News(_) | Self::Other(_) => return Err(InvalidBody::Unknown),
        }
        // Strings and numbers alone: this cannot fail, and a failure would be too large a body by any measure.
        let json = serde_json::to_string(self).map_err(|_| InvalidBody::TooLarge)?;
        (json.len() <= BODY_MAX).then_some(json).ok_or(InvalidBody::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_counts_encoded_bytes() {
        let overhead = r#"{"type":"text","text":""}"#.len();
        assert!(Body::text("x".repeat(BODY_MAX - overhead)).encode().is_ok());
        assert_eq!(Body::text("x".repeat(BODY_MAX - overhead + 1)).encode(), Err(InvalidBody::TooLarge));
        // A quotation mark is two bytes of JSON, a control character six.
        assert_eq!(Body::text("\"".repeat(BODY_MAX / 2)).encode(), Err(InvalidBody::TooLarge));
        assert_eq!(Body::text("\u{1}".repeat(BODY_MAX / 6)).encode(), Err(InvalidBody::TooLarge));
        assert_eq!(Body::text("").encode(), Err(InvalidBody::Empty));
    }

    #[test]
    fn a_body_of_a_later_version_is_kept_and_cannot_be_sent() {
        let json = r#"{"colours":[1,2],"type":"hologram"}"#;
        let body: Body = serde_json::from_str(json).unwrap();
        assert!(matches!(body, Body::Other(_)));
        assert_eq!(serde_json::to_string(&body).unwrap(), json);
        assert_eq!(body.encode(), Err(InvalidBody::Unknown));
        assert!(serde_json::from_str::<Body>("\"hi\"").is_err());
    }
}
