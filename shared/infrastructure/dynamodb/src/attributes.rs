//! Attribute values, in and out.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use tidings_application::error::PortError;
use tidings_domain::ids::ConversationId;
use tidings_domain::log::Counts;

use crate::error::unreadable;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// A string value.
pub(crate) fn string(value: impl Display) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

/// A number value.
pub(crate) fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A list of strings.
pub(crate) fn strings(values: impl IntoIterator<Item = impl Display>) -> AttributeValue {
    AttributeValue::L(values.into_iter().map(string).collect())
}

/// Counters: a list with one number, or with one per member of a direct conversation.
pub(crate) fn counts(counts: Counts) -> AttributeValue {
    AttributeValue::L(counts.numbers().into_iter().map(number).collect())
}

/// Reads one item, naming it in errors.
pub(crate) struct Reader<'a> {
    item: &'a Item,
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `item`, which should be a `what`.
    pub(crate) const fn new(item: &'a Item, what: &'static str) -> Self {
        Self { item, what }
    }

    /// The text of an attribute, parsed.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, PortError> {
        self.text(name)?.parse().map_err(|error| unreadable(self.what, format!("{name}: {error}")))
    }

    /// The text of an attribute.
    pub(crate) fn text(&self, name: &str) -> Result<&'a str, PortError> {
        match self.item.get(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            _ => Err(unreadable(self.what, format!("{name}: no text"))),
        }
    }

    /// A number that must be there.
    pub(crate) fn number(&self, name: &str) -> Result<u64, PortError> {
        self.optional_number(name)?.ok_or_else(|| unreadable(self.what, format!("{name}: no number")))
    }

    /// A number that may be missing.
    pub(crate) fn optional_number(&self, name: &str) -> Result<Option<u64>, PortError> {
        self.item.get(name).map(|value| self.natural(name, value)).transpose()
    }

    /// Bytes of a fixed length.
    pub(crate) fn bytes<const N: usize>(&self, name: &str) -> Result<[u8; N], PortError> {
        match self.item.get(name) {
            Some(AttributeValue::B(blob)) => blob.as_ref().try_into().ok(),
            _ => None,
        }
        .ok_or_else(|| unreadable(self.what, format!("{name}: not {N} bytes")))
    }

    /// Counters; zero where they are missing.
    pub(crate) fn counts(&self, name: &str, conversation: ConversationId) -> Result<Counts, PortError> {
        let Some(numbers) = self.numbers(name)? else { return Ok(Counts::zero(conversation)) };
        Counts::of(conversation, &numbers)
            .ok_or_else(|| unreadable(self.what, format!("{name}: not the counters of its conversation")))
    }

    /// A list of numbers that may be missing.
    pub(crate) fn numbers(&self, name: &str) -> Result<Option<Vec<u64>>, PortError> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::L(list)) => {
                list.iter().map(|value| self.natural(name, value)).collect::<Result<_, _>>().map(Some)
            }
            Some(_) => Err(unreadable(self.what, format!("{name}: no list"))),
        }
    }

    /// A text that may be missing, parsed.
    pub(crate) fn optional<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, PortError> {
        if self.item.contains_key(name) { self.parse(name).map(Some) } else { Ok(None) }
    }

    /// A list of texts, parsed; empty where it is missing.
    pub(crate) fn texts<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Vec<T>, PortError> {
        let wrong = |problem: &dyn Display| unreadable(self.what, format!("{name}: {problem}"));
        match self.item.get(name) {
            None => Ok(Vec::new()),
            Some(AttributeValue::L(list)) => {
                let text = |value: &AttributeValue| match value {
                    AttributeValue::S(text) => text.parse().map_err(|error| wrong(&error)),
                    _ => Err(wrong(&"no text")),
                };
                list.iter().map(text).collect()
            }
            Some(_) => Err(wrong(&"no list")),
        }
    }

    /// A truth value; false where it is missing.
    pub(crate) fn truth(&self, name: &str) -> bool {
        matches!(self.item.get(name), Some(AttributeValue::Bool(true)))
    }

    fn natural(&self, name: &str, value: &AttributeValue) -> Result<u64, PortError> {
        match value {
            AttributeValue::N(digits) => digits.parse().ok(),
            _ => None,
        }
        .ok_or_else(|| unreadable(self.what, format!("{name}: no natural number")))
    }
}
