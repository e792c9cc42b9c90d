//! Settings: the environment, parsed once at the start into what the code works with. Whatever is missing or
//! malformed is named, all of it at once, and the start fails: not a user's request.
//!
//! ```
//! # use tidings_runtime::settings::{Environment, SettingErrors, all};
//! # fn main() -> Result<(), SettingErrors> {
//! # let environment = Environment::from_pairs([("SOCIAL_TABLE", "social"), ("FANOUT_SHARDS", "2")]);
//! let (table, shards) = all((environment.social_table(), environment.fanout_shards()))?;
//! # assert_eq!((table.as_str(), shards), ("social", 2));
//! # Ok(())
//! # }
//! ```

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;
use std::str::FromStr;

use tidings_domain::contact::DirectMessages;
use tidings_domain::fan_out;
use tidings_domain::ids::UserId;
use tidings_domain::login::LoginPolicy;

/// The variables of this process. Has no `Debug`: some of them are secrets.
pub struct Environment {
    variables: HashMap<String, String>,
}

/// What is wrong with one variable. Never contains its value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// What is wrong with the settings, all of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SettingErrors(pub Vec<SettingError>);

impl fmt::Debug for SettingErrors {
    /// As `Display`: it is what a main that returns the error prints.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SettingErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("settings: ")?;
        for (index, SettingError { name, problem }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{name} {problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SettingErrors {}

/// A setting, or what is wrong with it.
pub type Setting<T> = Result<T, SettingErrors>;

fn wrong<T>(name: &'static str, problem: impl Into<String>) -> Setting<T> {
    Err(SettingErrors(vec![SettingError { name, problem: problem.into() }]))
}

/// All settings of a tuple, or everything that is wrong with any of them.
pub fn all<S: Settings>(settings: S) -> Setting<S::Values> {
    settings.collect()
}

/// A tuple of [`Setting`]s.
pub trait Settings {
    /// The tuple of their values.
    type Values;
    /// The values, or every error.
    fn collect(self) -> Setting<Self::Values>;
}

macro_rules! settings_tuple {
    ($($setting:ident)*) => {
        impl<$($setting),*> Settings for ($(Setting<$setting>,)*) {
            type Values = ($($setting,)*);

            #[expect(non_snake_case, reason = "the type parameters' names serve as the values'")]
            fn collect(self) -> Setting<Self::Values> {
                let ($($setting,)*) = self;
                let mut errors = Vec::new();
                $(let $setting = $setting.map_err(|found| errors.extend(found.0)).ok();)*
                match ($($setting,)*) {
                    ($(Some($setting),)*) => Ok(($($setting,)*)),
                    _ => Err(SettingErrors(errors)),
                }
            }
        }
    };
}

settings_tuple!(A);
settings_tuple!(A B);
settings_tuple!(A B C);
settings_tuple!(A B C D);
settings_tuple!(A B C D E);
settings_tuple!(A B C D E F);
settings_tuple!(A B C D E F G);
settings_tuple!(A B C D E F G H);
settings_tuple!(A B C D E F G H I);
settings_tuple!(A B C D E F G H I J);

/// Life of tokens and tickets, in seconds: from one, which tests use, to a year.
const TTL_S: RangeInclusive<u64> = 1..=365 * 24 * 60 * 60;

/// Shards: each is a queue that is polled all day, and a job's buckets are spread over them.
const SHARDS: RangeInclusive<u64> = 1..=256;

/// Connections that `send` posts to by itself: beyond a hundred its own time-out is near.
const INLINE_PUSHES: RangeInclusive<u64> = 0..=100;

/// Gateway calls a second: from one, which tests use, to far above what AWS has been heard to grant.
const POSTS_PER_S: RangeInclusive<u64> = 1..=10_000_000;

/// Workers: two, the least of one mapping, up to a thousand of each of the 258 that there can be. Source: Lambda, event
/// source mappings, "maximum concurrency".
const WORKERS: RangeInclusive<u64> = 2..=258_000;

impl Environment {
    /// The variables of this process. What is not Unicode is not ours.
    pub fn process() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { variables }
    }

    /// These variables; for tests.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { variables }
    }

    /// A variable's text; `None` if it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A text that must be there.
    pub fn text(&self, name: &'static str) -> Setting<String> {
        self.get(name).map_or_else(|| wrong(name, "is missing"), |value| Ok(value.to_owned()))
    }

    /// A text that must be there and parse.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Setting<T> {
        self.text(name)?.parse().or_else(|error| wrong(name, format!("is malformed: {error}")))
    }

    /// A whole number that must be there and lie in `range`.
    pub fn number(&self, name: &'static str, range: RangeInclusive<u64>) -> Setting<u64> {
        let number = self.text(name)?.parse().ok().filter(|number| range.contains(number));
        number.map_or_else(
            || wrong(name, format!("must be a whole number from {} to {}", range.start(), range.end())),
            Ok,
        )
    }

    /// A list separated by commas; empty if the variable is missing.
    pub fn list<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Setting<Vec<T>> {
        let items = self.get(name).unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty());
        items.map(|item| item.parse().or_else(|error| wrong(name, format!("is malformed: {error}")))).collect()
    }

    fn url(&self, name: &'static str, schemes: [&str; 2]) -> Setting<String> {
        let url = self.text(name)?;
        let fits = url.split_once("://").is_some_and(|(scheme, rest)| schemes.contains(&scheme) && !rest.is_empty());
        if fits { Ok(url) } else { wrong(name, format!("must begin with {}:// or {}://", schemes[0], schemes[1])) }
    }

    /// `ROUTES_TABLE`: name of the table of connections.
    pub fn routes_table(&self) -> Setting<String> {
        self.text("ROUTES_TABLE")
    }

    /// `LOG_TABLE`: name of the table of entries.
    pub fn log_table(&self) -> Setting<String> {
        self.text("LOG_TABLE")
    }

    /// `INBOXES_TABLE`: name of the table of inboxes.
    pub fn inboxes_table(&self) -> Setting<String> {
        self.text("INBOXES_TABLE")
    }

    /// `SOCIAL_TABLE`: name of the table of accounts and sessions.
    pub fn social_table(&self) -> Setting<String> {
        self.text("SOCIAL_TABLE")
    }

    /// `GATEWAY_ENDPOINT`: where connections are posted to.
    pub fn gateway_endpoint(&self) -> Setting<String> {
        self.url("GATEWAY_ENDPOINT", ["https", "http"])
    }

    /// `SOCKET_URL`: where clients connect to.
    pub fn socket_url(&self) -> Setting<String> {
        self.url("SOCKET_URL", ["wss", "ws"])
    }

    /// `FANOUT_QUEUE_URLS`: one queue per shard, separated by commas, in the order of the shards.
    pub fn fanout_queue_urls(&self) -> Setting<Vec<String>> {
        const NAME: &str = "FANOUT_QUEUE_URLS";
        self.text(NAME)?;
        let (urls, shards) = all((self.list::<String>(NAME), self.fanout_shards()))?;
        if urls.len() == shards {
            Ok(urls)
        } else {
            wrong(NAME, format!("has {} queues, and FANOUT_SHARDS is {shards}", urls.len()))
        }
    }

    /// `RETRY_QUEUE_URL`: the queue of posts to do again.
    pub fn retry_queue_url(&self) -> Setting<String> {
        self.url("RETRY_QUEUE_URL", ["https", "http"])
    }

    /// `TASK_QUEUE_URL`: the queue of requests to finish.
    pub fn task_queue_url(&self) -> Setting<String> {
        self.url("TASK_QUEUE_URL", ["https", "http"])
    }

    /// All queues: `FANOUT_QUEUE_URLS`, `RETRY_QUEUE_URL` and `TASK_QUEUE_URL`.
    pub fn queue_urls(&self) -> Setting<(Vec<String>, String, String)> {
        all((self.fanout_queue_urls(), self.retry_queue_url(), self.task_queue_url()))
    }

    /// How many posts a second one worker may make: its share of `POSTS_PER_S`, which is what the account has, by
    /// `WORKERS`, which is how many may run at once over all queues.
    pub fn worker_posts_per_s(&self) -> Setting<NonZeroU64> {
        let (account, workers) = all((self.number("POSTS_PER_S", POSTS_PER_S), self.number("WORKERS", WORKERS)))?;
        Ok(fan_out::posts_per_s(account, workers))
    }

    /// `INLINE_PUSH_MAX`: up to how many connections a send posts to by itself.
    pub fn inline_push_max(&self) -> Setting<usize> {
        self.size("INLINE_PUSH_MAX", INLINE_PUSHES)
    }

    /// `FANOUT_SHARDS`: how many fan-out queues there are.
    pub fn fanout_shards(&self) -> Setting<usize> {
        self.size("FANOUT_SHARDS", SHARDS)
    }

    fn size(&self, name: &'static str, range: RangeInclusive<u64>) -> Setting<usize> {
        // The ranges fit every target's usize.
        self.number(name, range).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    /// `ACCESS_TOKEN_TTL_S`: life of an access token, in seconds.
    pub fn access_token_ttl_s(&self) -> Setting<u64> {
        self.number("ACCESS_TOKEN_TTL_S", TTL_S)
    }

    /// `REFRESH_TOKEN_TTL_S`: life of an unused refresh token, in seconds.
    pub fn refresh_token_ttl_s(&self) -> Setting<u64> {
        self.number("REFRESH_TOKEN_TTL_S", TTL_S)
    }

    /// `TICKET_TTL_S`: life of a ticket, in seconds.
    pub fn ticket_ttl_s(&self) -> Setting<u64> {
        self.number("TICKET_TTL_S", TTL_S)
    }

    /// `SIGN_UPS`: whether anybody may register, `open` or `closed`.
    pub fn sign_ups_open(&self) -> Setting<bool> {
        const NAME: &str = "SIGN_UPS";
        match self.text(NAME)?.as_str() {
            "open" => Ok(true),
            "closed" => Ok(false),
            _ => wrong(NAME, "must be open or closed"),
        }
    }

    /// `LOGIN_POLICY`: on how many devices a person is signed in at once.
    pub fn login_policy(&self) -> Setting<LoginPolicy> {
        self.parsed("LOGIN_POLICY")
    }

    /// `DIRECT_MESSAGES`: who may write to whom, `contacts` or `anyone`.
    pub fn direct_messages(&self) -> Setting<DirectMessages> {
        const NAME: &str = "DIRECT_MESSAGES";
        match self.text(NAME)?.as_str() {
            "contacts" => Ok(DirectMessages::Contacts),
            "anyone" => Ok(DirectMessages::Anyone),
            _ => wrong(NAME, "must be contacts or anyone"),
        }
    }

    /// `METRICS`: whether metrics are written, `on` (unless it says otherwise) or `off`.
    pub fn metrics_on(&self) -> Setting<bool> {
        const NAME: &str = "METRICS";
        match self.get(NAME) {
            None | Some("on") => Ok(true),
            Some("off") => Ok(false),
            Some(_) => wrong(NAME, "must be on or off"),
        }
    }

    /// `SIGNING_KEY`, as whatever type reads it: a secret.
    pub fn signing_key<T: FromStr<Err: fmt::Display>>(&self) -> Setting<T> {
        self.parsed("SIGNING_KEY")
    }

    /// `VERIFYING_KEYS`, as whatever type reads it: a JWKS document.
    pub fn verifying_keys<T: FromStr<Err: fmt::Display>>(&self) -> Setting<T> {
        self.parsed("VERIFYING_KEYS")
    }

    /// `DENY_LIST`: users who may not connect, separated by commas; by default nobody.
    pub fn deny_list(&self) -> Setting<Vec<UserId>> {
        self.list("DENY_LIST")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_named_at_once() {
        let environment = Environment::from_pairs([
            ("LOG_TABLE", ""),
            ("GATEWAY_ENDPOINT", "localhost"),
            ("FANOUT_SHARDS", "none"),
            ("SIGN_UPS", "maybe"),
            ("LOGIN_POLICY", "two"),
            ("INBOXES_TABLE", "inboxes"),
        ]);
        let errors = all((
            environment.routes_table(),
            environment.log_table(),
            environment.inboxes_table(),
            environment.gateway_endpoint(),
            environment.fanout_shards(),
            environment.sign_ups_open(),
            environment.login_policy(),
        ))
        .unwrap_err();
        assert_eq!(
            errors.to_string(),
            "settings: ROUTES_TABLE is missing; LOG_TABLE is missing; \
             GATEWAY_ENDPOINT must begin with https:// or http://; \
             FANOUT_SHARDS must be a whole number from 1 to 256; SIGN_UPS must be open or closed; \
             LOGIN_POLICY is malformed: a login policy is unlimited, one_per_class or single"
        );
    }

    #[test]
    fn values_never_show_in_errors() {
        let environment = Environment::from_pairs([("SIGNING_KEY", "c2VjcmV0")]);
        let error = environment.signing_key::<u64>().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("c2VjcmV0"), "{error}");
    }

    #[test]
    fn lists_and_numbers_are_read() {
        let environment = Environment::from_pairs([
            ("FANOUT_QUEUE_URLS", "http://sqs/a, http://sqs/b"),
            ("FANOUT_SHARDS", "2"),
            ("INLINE_PUSH_MAX", "0"),
            ("DENY_LIST", "u_01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ]);
        assert_eq!(environment.fanout_queue_urls().unwrap(), ["http://sqs/a", "http://sqs/b"]);
        assert_eq!(environment.inline_push_max(), Ok(0));
        assert_eq!(environment.deny_list().unwrap().len(), 1);
        assert_eq!(Environment::from_pairs([]).deny_list(), Ok(vec![]));
    }

    #[test]
    fn queues_and_shards_must_agree() {
        let environment = Environment::from_pairs([("FANOUT_QUEUE_URLS", "http://sqs/a"), ("FANOUT_SHARDS", "2")]);
        assert_eq!(
            environment.fanout_queue_urls().unwrap_err().to_string(),
            "settings: FANOUT_QUEUE_URLS has 1 queues, and FANOUT_SHARDS is 2"
        );
    }
}
