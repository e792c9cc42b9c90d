//! What can go wrong on stage.

use thiserror::Error;
use tidings_client::{ApiError, CallError, NotSent, OpenError, SendError, StoreError};
use tidings_domain::identity::InvalidName;

/// Why a run could not go on. What it finds out about the server's promise is no error but a verdict.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StageError {
    /// A file with dialogues cannot be read, or is none.
    #[error("{0}")]
    File(String),
    /// A device did not come online in time.
    #[error("a device cannot connect: {0}")]
    NotOnline(String),
    /// A made-up name breaks a rule.
    #[error(transparent)]
    Name(#[from] InvalidName),
    /// Somebody could not sign in.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The HTTP API failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A client did not answer.
    #[error(transparent)]
    Call(#[from] CallError),
    /// A message could not enter an outbox.
    #[error(transparent)]
    Send(#[from] SendError),
    /// A message was refused.
    #[error("not sent: {0}")]
    NotSent(#[from] NotSent),
    /// The devices' store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder for it could not be made.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}
