//! The grammar of what people and devices are called.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidName {
    /// Not 3 to 32 of `a-z 0-9 _ .`, beginning with a letter.
    Username,
    /// Not 2 to 32 of `a-z 0-9 _ .`, beginning with a letter.
    UsernamePrefix,
    /// Empty, longer than 64 characters, blank at an end, or with control characters.
    DisplayName,
    /// Shorter than 8 or longer than 128 characters.
    Password,
    /// Not one of `phone`, `tablet`, `desktop`, `web`.
    Platform,
}

impl fmt::Display for InvalidName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username => "a user name is 3 to 32 of a-z 0-9 _ . and begins with a letter",
            Self::UsernamePrefix => "what user names begin with is 2 to 32 of a-z 0-9 _ . and begins with a letter",
            Self::DisplayName => {
                "a display name is 1 to 64 characters without control characters or blanks at its ends"
            }
            Self::Password => "a password is 8 to 128 characters",
            Self::Platform => "a platform is phone, tablet, desktop or web",
        })
    }
}

impl std::error::Error for InvalidName {}

/// What a person signs in with: 3 to 32 of `a-z 0-9 _ .`, beginning with a letter. Capitals are folded when it is
/// read, so `Alice` and `alice` are one name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

impl Username {
    /// Shortest name, in characters: one and two letters are left for later use.
    pub const MIN: usize = 3;
    /// Longest name, in characters: it fits a line of a conversation list.
    pub const MAX: usize = 32;

    /// The folded name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How it begins: the least that can be searched for, and so what all that is found for a search has in common.
    pub fn beginning(&self) -> &str {
        self.0.get(..UsernamePrefix::MIN).unwrap_or(&self.0)
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        folded(text, Self::MIN..=Self::MAX).map(Self).ok_or(InvalidName::Username)
    }
}

/// The folded text, if it has so many characters and they are those of user names.
fn folded(text: &str, length: RangeInclusive<usize>) -> Option<String> {
    let folded = text.to_ascii_lowercase();
    let plain =
        folded.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'.'));
    let begins = folded.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
    (length.contains(&folded.len()) && plain && begins).then_some(folded)
}

/// What the user names that are searched for begin with; a whole name is one too. Capitals are folded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsernamePrefix(String);

impl UsernamePrefix {
    /// Shortest one, in characters: one letter finds too many people to be of use to anybody but a collector.
    pub const MIN: usize = 2;

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How it begins: as [`Username::beginning`] of every name that it is a prefix of.
    pub fn beginning(&self) -> &str {
        self.0.get(..Self::MIN).unwrap_or(&self.0)
    }

    /// Whether a name begins so.
    pub fn begins(&self, username: &Username) -> bool {
        username.as_str().starts_with(&self.0)
    }
}

impl fmt::Display for UsernamePrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UsernamePrefix {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        folded(text, Self::MIN..=Username::MAX).map(Self).ok_or(InvalidName::UsernamePrefix)
    }
}

/// What other people see: 1 to 64 characters, no control characters, no blanks at its ends.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DisplayName(String);

impl DisplayName {
    /// Longest display name, in characters.
    pub const MAX: usize = 64;

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DisplayName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DisplayName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let fits = (1..=Self::MAX).contains(&text.chars().count());
        let plain = !text.chars().any(char::is_control) && text.trim() == text;
        (fits && plain).then(|| Self(text.to_owned())).ok_or(InvalidName::DisplayName)
    }
}

/// A password as typed: 8 to 128 characters. Never printed: its `Debug` is redacted.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Shortest password, in characters (NIST SP 800-63B).
    pub const MIN: usize = 8;
    /// Longest password, in characters: hashing must not become a way to keep us busy.
    pub const MAX: usize = 128;

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl FromStr for Password {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        (Self::MIN..=Self::MAX)
            .contains(&text.chars().count())
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidName::Password)
    }
}

/// The class of a device, which login policies count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// A telephone.
    Phone,
    /// A tablet.
    Tablet,
    /// A desktop or laptop program, a terminal included.
    Desktop,
    /// A browser.
    Web,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 4] = [Self::Phone, Self::Tablet, Self::Desktop, Self::Web];

    /// The platform's name on the wire and in tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
            Self::Web => "web",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Platform {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        Self::ALL.into_iter().find(|platform| platform.as_str() == text).ok_or(InvalidName::Platform)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_their_grammar() {
        for (text, want) in [
            ("alice", Some("alice")),
            ("Alice.B_2", Some("alice.b_2")),
            ("al", None),
            ("1alice", None),
            ("älice", None),
            ("alice smith", None),
            (&"a".repeat(33), None),
        ] {
            assert_eq!(text.parse::<Username>().ok().as_ref().map(Username::as_str), want, "{text}");
        }
        for (text, ok) in
            [("Ada", true), ("李雷", true), ("", false), (" Ada", false), ("A\nb", false), (&"x".repeat(65), false)]
        {
            assert_eq!(text.parse::<DisplayName>().is_ok(), ok, "{text:?}");
        }
    }

    #[test]
    fn a_prefix_begins_names_and_shares_their_beginning() {
        let alice: Username = "alice".parse().unwrap();
        for (text, begins) in [("al", true), ("ALI", true), ("alice", true), ("alicia", false), ("be", false)] {
            let prefix: UsernamePrefix = text.parse().unwrap();
            assert_eq!(prefix.begins(&alice), begins, "{text}");
            assert!(!begins || prefix.beginning() == alice.beginning(), "{text}");
        }
        for bad in ["", "a", "1a", "ä", "a b", &"a".repeat(33)] {
            assert!(bad.parse::<UsernamePrefix>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_printed() {
        let password: Password = "correct horse".parse().unwrap();
        assert_eq!(format!("{password:?}"), "Password(..)");
    }
}
