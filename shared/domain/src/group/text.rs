//! The grammar of what groups and people are called, and of what is said of and to them.

use std::fmt;
use std::str::FromStr;

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidText {
    /// Empty, too long, blank at an end, or with control characters.
    GroupName,
    /// Too long, or with control characters other than line breaks.
    Description,
    /// Empty, too long, or with control characters other than line breaks.
    Announcement,
    /// Too long, or with control characters other than line breaks.
    Greeting,
    /// Empty, too long, blank at an end, or with control characters.
    Tag,
    /// Not 26 characters of a link.
    LinkCode,
    /// Not one of the words that there are.
    Word,
}

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GroupName => {
                write!(f, "a group's name is 1 to {} characters without blanks at its ends", GroupName::MAX)
            }
            Self::Description => write!(f, "a description is at most {} characters", Description::MAX),
            Self::Announcement => write!(f, "an announcement is 1 to {} characters", Announcement::MAX),
            Self::Greeting => write!(f, "a greeting is at most {} characters", Greeting::MAX),
            Self::Tag => write!(f, "a tag is 1 to {} characters without blanks at its ends", Tag::MAX),
            Self::LinkCode => f.write_str("a link's code is 26 characters of A-Z 0-9"),
            Self::Word => f.write_str("not one of the words that there are"),
        }
    }
}

impl std::error::Error for InvalidText {}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $least:literal to $most:literal, lines $lines:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Longest text, in characters.
            pub const MAX: usize = $most;

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidText;

            fn from_str(text: &str) -> Result<Self, InvalidText> {
                let fits = ($least..=$most).contains(&text.chars().count());
                let plain = !text.chars().any(|letter| letter.is_control() && !($lines && letter == '\n'));
                (fits && plain && text.trim() == text).then(|| Self(text.to_owned())).ok_or(InvalidText::$name)
            }
        }
    };
}

text!(
    /// What a group is called: 1 to 64 characters, a line of a conversation list.
    GroupName, 1 to 64, lines false
);
text!(
    /// What a group is about: at most 500 characters, so that the record stays below two kilobytes.
    Description, 0 to 500, lines true
);
impl Default for Description {
    /// None.
    fn default() -> Self {
        Self(String::new())
    }
}

text!(
    /// What an admin announces: 1 to 2,000 characters, which is a page.
    Announcement, 1 to 2_000, lines true
);
text!(
    /// What somebody says who would like to come in, or to be a contact: at most 200 characters.
    Greeting, 0 to 200, lines true
);
text!(
    /// What somebody keeps contacts under: 1 to 32 characters, a word or two.
    Tag, 1 to 32, lines false
);

/// The secret part of an invitation link: 128 bits, written as a ULID is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkCode(ulid::Ulid);

impl LinkCode {
    /// The code with these bits.
    pub const fn from_bits(bits: u128) -> Self {
        Self(ulid::Ulid(bits))
    }
}

impl fmt::Display for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for LinkCode {
    /// Whoever has it gets in.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCode(..)")
    }
}

impl FromStr for LinkCode {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let code = crate::ids::parse_ulid(text).ok_or(InvalidText::LinkCode)?;
        Ok(Self(code))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_bounds() {
        for (text, name, announcement) in [
            ("Book club", true, true),
            ("", false, false),
            (" a", false, false),
            ("two\nlines", false, true),
            ("bell\u{7}", false, false),
            (&"é".repeat(64), true, true),
            (&"é".repeat(65), false, true),
            (&"x".repeat(2_001), false, false),
        ] {
            assert_eq!(text.parse::<GroupName>().is_ok(), name, "{text}");
            assert_eq!(text.parse::<Announcement>().is_ok(), announcement, "{text}");
        }
        assert!("".parse::<Description>().is_ok() && "".parse::<Greeting>().is_ok());
    }

    #[test]
    fn a_link_code_is_its_text_and_is_never_printed_by_accident() {
        let code = LinkCode::from_bits(77);
        assert_eq!(code.to_string().parse(), Ok(code.clone()));
        assert_eq!(format!("{code:?}"), "LinkCode(..)");
        assert_eq!("short".parse::<LinkCode>(), Err(InvalidText::LinkCode));
    }
}
