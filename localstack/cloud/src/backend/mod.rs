//! A backend: somebody else's DynamoDB, SQS and S3 (LocalStack, MiniStack, another local cloud) under our gateway and
//! Lambda host.
//!
//! Functions and people talk to our ports as always, so a call gets its use case, its entry in the ledger and its
//! faults; then it is signed anew and passed on. What differs from the embedded services stands in the README.
//!
//! - `remote`: signed calls to one service,
//! - `tables`: makes the tables, and passes on what is asked of them,
//! - `queues`: passes on what is asked of the queues,
//! - `files`: makes the bucket, and passes on what is asked of it.

pub(crate) mod files;
pub(crate) mod queues;
pub(crate) mod remote;
pub(crate) mod tables;

use http::Uri;

use crate::names::{Names, PREFIX};
use remote::RemoteError;

/// The key id and the secret that LocalStack and MiniStack take for anybody's. Source: LocalStack, "Credentials".
pub const ANYBODY: &str = "test";
/// The longest prefix: with it, the longest queue name stays below the 80 letters that SQS allows.
const PREFIX_MAX: usize = 40;

/// Where somebody else's services are, and how to sign in to them.
#[derive(Clone, PartialEq, Eq)]
pub struct Backend {
    /// DynamoDB's endpoint.
    pub dynamodb: String,
    /// SQS's endpoint.
    pub sqs: String,
    /// S3's endpoint, with paths that start with the bucket.
    pub s3: String,
    /// Before the names of tables, queues and the bucket, with a dash.
    pub prefix: String,
    /// The access key.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: String,
}

impl std::fmt::Debug for Backend {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { dynamodb, sqs, s3, prefix, access_key_id, secret_access_key: _ } = self;
        let endpoints = (dynamodb, sqs, s3);
        let mut shown = formatter.debug_struct("Backend");
        shown.field("endpoints", &endpoints).field("prefix", prefix).field("access_key_id", access_key_id);
        shown.finish_non_exhaustive()
    }
}

/// Why a backend can't be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// It is no URL of an HTTP server.
    #[error("--backend wants the URL of an HTTP server, like http://127.0.0.1:4566, not {0:?}")]
    Url(String),
    /// A bucket can't be called so, and neither can what else begins with it.
    #[error("--backend-prefix wants up to {PREFIX_MAX} lower-case letters, digits and single dashes, not {0:?}")]
    Prefix(String),
    /// It does not do what it is asked for.
    #[error("the backend fails at {what}: {reason}")]
    Fails {
        /// What was tried.
        what: String,
        /// What it answered.
        reason: RemoteError,
    },
    /// A table is there, and another one than is wanted.
    #[error("the table {table} in the backend has the keys {found}, and this version wants others")]
    Table {
        /// Its full name.
        table: String,
        /// Its keys.
        found: String,
    },
}

impl Backend {
    /// All services at one URL, for anybody.
    pub fn at(url: impl Into<String>) -> Self {
        let url = url.into();
        Self {
            dynamodb: url.clone(),
            sqs: url.clone(),
            s3: url,
            prefix: PREFIX.to_owned(),
            access_key_id: ANYBODY.to_owned(),
            secret_access_key: ANYBODY.to_owned(),
        }
    }

    /// Whether it can be one.
    pub(crate) fn check(&self) -> Result<(), BackendError> {
        for url in [&self.dynamodb, &self.sqs, &self.s3] {
            origin(url)?;
        }
        let letters = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        if self.prefix.len() > PREFIX_MAX || !self.prefix.split('-').all(letters) {
            return Err(BackendError::Prefix(self.prefix.clone()));
        }
        Ok(())
    }

    /// What things are called in it.
    pub(crate) fn names(&self) -> Names {
        Names::with(self.prefix.as_str())
    }
}

/// The scheme and authority of a URL that has no more than that.
fn origin(url: &str) -> Result<Uri, BackendError> {
    let refused = || BackendError::Url(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let host = uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    let is_origin = uri.scheme() == Some(&http::uri::Scheme::HTTP)
        && !host.contains('@')
        && matches!(uri.path(), "" | "/")
        && uri.query().is_none();
    if is_origin { Ok(uri) } else { Err(refused()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_of_an_http_server_is_a_backend() {
        for url in ["http://127.0.0.1:4566", "http://localstack:4566/", "http://[::1]:4566"] {
            Backend::at(url).check().unwrap();
        }
        for url in ["", "4566", "localhost:4566", "https://host", "http://host/path", "http://a@host", "http://h/?x"] {
            let error = Backend::at(url).check().unwrap_err().to_string();
            assert!(error.contains("http://127.0.0.1:4566") && error.contains(&format!("{url:?}")), "{error}");
        }
        for prefix in ["", "-", "a-", "a--b", "Tidings", "a.b", "a/b", &"a".repeat(41)] {
            let backend = Backend { prefix: prefix.to_owned(), ..Backend::at("http://host") };
            assert!(backend.check().unwrap_err().to_string().contains("--backend-prefix"), "{prefix}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let backend = Backend { secret_access_key: "hush".to_owned(), ..Backend::at("http://host") };
        assert!(!format!("{backend:?}").contains("hush"));
    }
}
