//! Domain types on the wire: as their one text.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tidings_domain::contact::Tag;
use tidings_domain::group::{Announcement, Description, Greeting, GroupName, History, Joining, LinkCode, Role};
use tidings_domain::identity::{DisplayName, Password, Platform, Username, UsernamePrefix};
use tidings_domain::ids::{ClientId, ConversationId, DeviceId, GroupId, UserId};
use tidings_domain::profile::{Bio, Language, MessagesFrom, PresenceTo, TimeZone};

/// A domain type that travels as its text and is parsed, not validated, on arrival.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<T>(pub T);

impl<T> From<T> for Text<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for Text<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Text<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a domain type writes on the wire. Not `Display`, because a password must not have one.
pub trait OnWire: FromStr<Err: fmt::Display> {
    /// Name of the type in the schemas.
    const NAME: &'static str;
    /// Regular expression of its text.
    const PATTERN: &'static str;
    /// An example that parses.
    const EXAMPLE: &'static str;
    /// The text.
    fn text(&self) -> Cow<'_, str>;
}

macro_rules! on_wire {
    ($($type:ty, $name:literal, $pattern:expr, $example:expr, |$value:ident| $text:expr;)*) => {$(
        impl OnWire for $type {
            const NAME: &'static str = $name;
            const PATTERN: &'static str = $pattern;
            const EXAMPLE: &'static str = $example;
            fn text(&self) -> Cow<'_, str> {
                let $value = self;
                $text.into()
            }
        }
    )*};
}

on_wire! {
    UserId, "UserId", "^u_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "u_01JD0000000000000000000A00", |id| id.to_string();
    GroupId, "GroupId", "^g_[0-7][0-9A-HJKMNP-TV-Z]{25}$", "g_01JD0000000000000000000G00", |id| id.to_string();
    ClientId, "ClientId", "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", "01JD0000000000000000000C00", |id| id.to_string();
    ConversationId, "ConversationId",
        "^(d:u_[0-7][0-9A-HJKMNP-TV-Z]{25}:u_[0-7][0-9A-HJKMNP-TV-Z]{25}|g:g_[0-7][0-9A-HJKMNP-TV-Z]{25}|n:u_[0-7][0-9A-HJKMNP-TV-Z]{25})$",
        "d:u_01JD0000000000000000000A00:u_01JD0000000000000000000B00", |id| id.to_string();
    DeviceId, "DeviceId", "^[A-Za-z0-9_-]{1,64}$", "laptop-1", |id| id.as_str();
    Username, "Username", "^[A-Za-z][A-Za-z0-9_.]{2,31}$", "alice", |name| name.as_str();
    UsernamePrefix, "UsernamePrefix", "^[A-Za-z][A-Za-z0-9_.]{1,31}$", "al", |prefix| prefix.as_str();
    DisplayName, "DisplayName", r"^[^\s\u0000-\u001F\u007F-\u009F]([^\u0000-\u001F\u007F-\u009F]{0,62}[^\s\u0000-\u001F\u007F-\u009F])?$", "Alice", |name| name.as_str();
    Password, "Password", "^[\\s\\S]{8,128}$", "correct horse", |password| password.reveal();
    Platform, "Platform", "^(phone|tablet|desktop|web)$", "desktop", |platform| platform.as_str();
    GroupName, "GroupName", r"^[^\s\u0000-\u001F\u007F-\u009F]([^\u0000-\u001F\u007F-\u009F]{0,62}[^\s\u0000-\u001F\u007F-\u009F])?$", "Book club", |name| name.as_str();
    Description, "Description", r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F]{0,500}$", "What we read", |text| text.as_str();
    Announcement, "Announcement", r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F]{1,2000}$", "On Friday at eight", |text| text.as_str();
    Greeting, "Greeting", r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F]{0,200}$", "Hello!", |text| text.as_str();
    Tag, "Tag", r"^[^\s\u0000-\u001F\u007F-\u009F]([^\u0000-\u001F\u007F-\u009F]{0,30}[^\s\u0000-\u001F\u007F-\u009F])?$", "work", |tag| tag.as_str();
    LinkCode, "LinkCode", "^[0-7][0-9A-HJKMNP-TV-Z]{25}$", "01JD0000000000000000000K00", |code| code.to_string();
    Role, "Role", "^(member|admin|owner)$", "admin", |role| role.as_str();
    Joining, "Joining", "^(open|approval|invitation)$", "open", |joining| joining.as_str();
    History, "HistoryRule", "^(from_join|all)$", "all", |history| history.as_str();
    Bio, "Bio", r"^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F]{0,280}$", "Mathematician", |bio| bio.as_str();
    Language, "Language", "^(?=.{0,35}$)([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$", "en-GB", |language| language.as_str();
    TimeZone, "TimeZone", r"^(?=.{0,64}$)([A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z][A-Za-z0-9_+-]*)*)?$", "Europe/London", |zone| zone.as_str();
    MessagesFrom, "MessagesFrom", "^(anyone|contacts)$", "anyone", |from| from.as_str();
    PresenceTo, "PresenceTo", "^(everybody|contacts|nobody)$", "everybody", |to| to.as_str();
}

impl<T: OnWire> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl<'de, T: OnWire> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

impl<T: OnWire> JsonSchema for Text<T> {
    fn schema_name() -> Cow<'static, str> {
        T::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": T::PATTERN, "examples": [T::EXAMPLE] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example_reads_back<T: OnWire>() {
        let json = serde_json::to_string(T::EXAMPLE).unwrap();
        let value: Text<T> = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), json, "{}", T::NAME);
    }

    #[test]
    fn examples_read_back() {
        example_reads_back::<UserId>();
        example_reads_back::<GroupId>();
        example_reads_back::<ClientId>();
        example_reads_back::<ConversationId>();
        example_reads_back::<DeviceId>();
        example_reads_back::<Username>();
        example_reads_back::<UsernamePrefix>();
        example_reads_back::<DisplayName>();
        example_reads_back::<Password>();
        example_reads_back::<Platform>();
        example_reads_back::<GroupName>();
        example_reads_back::<Description>();
        example_reads_back::<Announcement>();
        example_reads_back::<Greeting>();
        example_reads_back::<LinkCode>();
        example_reads_back::<Tag>();
        example_reads_back::<Role>();
        example_reads_back::<Joining>();
        example_reads_back::<History>();
        example_reads_back::<Bio>();
        example_reads_back::<Language>();
        example_reads_back::<TimeZone>();
        example_reads_back::<MessagesFrom>();
        example_reads_back::<PresenceTo>();
    }
}
