//! What people say about themselves, what they allow, and how much of it others see.

use std::fmt;
use std::str::FromStr;

use crate::identity::DisplayName;
use crate::ids::UserId;

/// Why a text is no part of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidProfile {
    /// Longer than 280 characters, or with control characters other than line feeds.
    Bio,
    /// Not of the shape of a language tag.
    Language,
    /// Not of the shape of a time zone's name.
    TimeZone,
    /// Neither `anyone` nor `contacts`.
    MessagesFrom,
    /// Not one of `everybody`, `contacts`, `nobody`.
    PresenceTo,
}

impl fmt::Display for InvalidProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bio => "a bio is at most 280 characters, line feeds the only control characters",
            Self::Language => "a language is a tag such as en or zh-Hans-CN, of at most 35 characters, or empty",
            Self::TimeZone => "a time zone is a name such as Europe/Berlin, of at most 64 characters, or empty",
            Self::MessagesFrom => "messages are taken from anyone or contacts",
            Self::PresenceTo => "presence is shown to everybody, contacts or nobody",
        })
    }
}

impl std::error::Error for InvalidProfile {}

macro_rules! profile_text {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// As text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether nothing is told.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidProfile;

            fn from_str(text: &str) -> Result<Self, InvalidProfile> {
                Self::fits(text).then(|| Self(text.to_owned())).ok_or(InvalidProfile::$name)
            }
        }
    };
}

profile_text! {
    /// A few words about oneself, with line feeds if one likes. May be empty.
    Bio
}

impl Bio {
    /// Longest bio, in characters: a page of search results with the longest of them fits a frame.
    pub const MAX: usize = 280;

    fn fits(text: &str) -> bool {
        text.chars().count() <= Self::MAX && text.chars().all(|letter| letter == '\n' || !letter.is_control())
    }
}

profile_text! {
    /// What a person reads best: a language tag (BCP 47) by its shape. Which subtags are registered changes with the
    /// years and is not asked. Empty is not told.
    Language
}

impl Language {
    /// Longest tag, in characters. Source: RFC 5646, section 4.4.1, what every implementation should take.
    pub const MAX: usize = 35;

    fn fits(text: &str) -> bool {
        let mut subtags = text.split('-');
        // `i` and `x` begin tags that say nothing to anybody else.
        let primary = subtags
            .next()
            .is_some_and(|tag| (2..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphabetic()));
        let rest =
            subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        text.is_empty() || (text.len() <= Self::MAX && primary && rest)
    }
}

profile_text! {
    /// Where a person's clock is: a name of the IANA time zone database by its shape. Which names there are changes
    /// several times a year and is not asked. Empty is not told.
    TimeZone
}

impl TimeZone {
    /// Longest name, in characters: twice the longest that there is.
    pub const MAX: usize = 64;

    fn fits(text: &str) -> bool {
        let part = |part: &str| {
            part.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
        };
        text.is_empty() || (text.len() <= Self::MAX && text.split('/').all(part))
    }
}

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// Every choice.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name on the wire and in tables.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = InvalidProfile;

            fn from_str(text: &str) -> Result<Self, InvalidProfile> {
                Self::ALL.iter().copied().find(|choice| choice.as_str() == text).ok_or(InvalidProfile::$name)
            }
        }
    };
}

choice! {
    /// Whose messages a person takes, where the deployment leaves it to them.
    MessagesFrom {
        /// Everybody's.
        #[default]
        Anyone = "anyone",
        /// Their contacts' alone.
        Contacts = "contacts",
    }
}

choice! {
    /// Who sees whether a person is online.
    PresenceTo {
        /// Whoever asks.
        #[default]
        Everybody = "everybody",
        /// Their contacts.
        Contacts = "contacts",
        /// Nobody.
        Nobody = "nobody",
    }
}

/// What a person says about themself, and what they allow. The person alone changes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    /// What others call them.
    pub display_name: DisplayName,
    /// A few words.
    pub bio: Bio,
    /// What they read best.
    pub language: Language,
    /// Where their clock is.
    pub time_zone: TimeZone,
    /// Whose messages they take.
    pub messages_from: MessagesFrom,
    /// Who sees whether they are online.
    pub presence_to: PresenceTo,
}

impl Profile {
    /// Of somebody who has told nothing but a name.
    pub fn new(display_name: DisplayName) -> Self {
        Self {
            display_name,
            bio: Bio::default(),
            language: Language::default(),
            time_zone: TimeZone::default(),
            messages_from: MessagesFrom::default(),
            presence_to: PresenceTo::default(),
        }
    }
}

/// How much somebody sees of a person. Decided here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Oneself: everything, settings and version too.
    Own,
    /// Anybody: the public card.
    Stranger,
}

impl Sight {
    /// What `viewer` sees of `person`.
    pub fn of(viewer: UserId, person: UserId) -> Self {
        if viewer == person { Self::Own } else { Self::Stranger }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};

    use super::*;

    #[track_caller]
    fn check<T: FromStr<Err: Debug> + Display>(good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(text.parse::<T>().unwrap().to_string(), *text, "it prints what it parsed");
        }
        for text in bad {
            assert!(text.parse::<T>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn profiles_follow_their_grammar() {
        check::<Bio>(&["", "hi\nthere", &"李".repeat(280)], &["a\tb", "a\r\n", "\u{7f}", &"x".repeat(281)]);
        check::<Language>(
            &["", "en", "gsw", "zh-Hans-CN", "de-1996", "en-x-private", &["abcdefgh"; 4].join("-")],
            &["e", "-", "en-", "1a", "en_GB", "en--GB", "abcdefghi", "en-abcdefghi", &["abcdefgh"; 5].join("-"), "ü"],
        );
        check::<TimeZone>(
            &["", "UTC", "Europe/Berlin", "America/Argentina/ComodRivadavia", "Etc/GMT+1", "Etc/GMT-14"],
            &["/", "Europe/", "/Berlin", "Europe//Berlin", "+1", "Europe/São", "a b", &"x".repeat(65)],
        );
        check::<MessagesFrom>(&["anyone", "contacts"], &["", "Anyone", "nobody"]);
        check::<PresenceTo>(&["everybody", "contacts", "nobody"], &["", "Nobody", "anyone"]);
    }

    #[test]
    fn one_sees_oneself_whole_and_others_as_strangers() {
        let (ann, bob) = (UserId::from_bits(1), UserId::from_bits(2));
        assert_eq!(Sight::of(ann, ann), Sight::Own);
        assert_eq!(Sight::of(ann, bob), Sight::Stranger);
    }
}
