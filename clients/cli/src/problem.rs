//! What went wrong, said so that one knows what to do.

use std::process::ExitCode;

use thiserror::Error;
use tidings_client::{ApiError, CallError, ErrorCode, KickReason, NotSent, OpenError, SendError, StoreError};
use tidings_domain::group::InvalidText;
use tidings_domain::identity::InvalidName;
use tidings_domain::profile::InvalidProfile;
use tidings_stage::StageError;

/// Why a command did not do what it was asked.
#[derive(Debug, Error)]
pub(crate) enum Problem {
    #[error("{0}")]
    Told(String),
    #[error("the message is in the outbox, but not acknowledged{0}; the next command that connects sends it")]
    Queued(String),
    #[error(transparent)]
    Name(#[from] InvalidName),
    #[error(transparent)]
    Profile(#[from] InvalidProfile),
    #[error(transparent)]
    Text(#[from] InvalidText),
    #[error("{}", open(.0))]
    Open(#[from] OpenError),
    #[error("{}", api(.0))]
    Api(#[from] ApiError),
    #[error("{}", call(.0))]
    Call(#[from] CallError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("not sent: {0}")]
    NotSent(#[from] NotSent),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Problem {
    /// What only a text can say.
    pub(crate) fn told(text: impl Into<String>) -> Self {
        Self::Told(text.into())
    }

    /// 3 if the message is safe and will be sent later, 1 otherwise.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Queued(_) => ExitCode::from(3),
            _ => ExitCode::FAILURE,
        }
    }
}

/// What goes wrong on stage is what goes wrong elsewhere.
impl From<StageError> for Problem {
    fn from(error: StageError) -> Self {
        match error {
            StageError::Name(error) => Self::Name(error),
            StageError::Open(error) => Self::Open(error),
            StageError::Api(error) => Self::Api(error),
            StageError::Call(error) => Self::Call(error),
            // These say all there is to say.
            _ => Self::Told(error.to_string()),
        }
    }
}

/// Why somebody else ended the session.
pub(crate) const fn kicked(reason: KickReason) -> &'static str {
    match reason {
        KickReason::SignedOut => "this device was signed out",
        KickReason::LoginPolicy => "you signed in on another device, and this server allows no more at once",
        KickReason::PasswordChanged => "your password was changed on another device",
        KickReason::AccountDeleted => "your account was deleted",
        _ => "the server signed this device out",
    }
}

/// What to do when the session has ended.
pub(crate) const SIGNED_OUT: &str = "you are signed out here; sign in again with `tidings login NAME`";

fn api(error: &ApiError) -> String {
    match error {
        ApiError::Unreachable { .. } => format!(
            "{error}\nIs it running? `cargo local` starts one on this machine; --server or TIDINGS_SERVER names another."
        ),
        ApiError::Garbled { .. } => format!("{error}\nIs that the right address?"),
        ApiError::SignedOut => SIGNED_OUT.into(),
        _ => error.to_string(),
    }
}

fn open(error: &OpenError) -> String {
    match error {
        OpenError::NotSignedIn => {
            "nobody is signed in here; begin with `tidings register NAME` or `tidings login NAME`".into()
        }
        OpenError::OtherUser(_) | OpenError::OtherServer(_) => {
            format!("{error}, for instance --profile second, or drop what it holds with --forget")
        }
        OpenError::Api(ApiError::Refused(error)) if error.code == ErrorCode::Unauthenticated => {
            "wrong user name or password".into()
        }
        OpenError::Api(error) => api(error),
        _ => error.to_string(),
    }
}

fn call(error: &CallError) -> String {
    match error {
        CallError::Api(error) => api(error),
        CallError::TimedOut => "the server does not answer".into(),
        _ => error.to_string(),
    }
}
