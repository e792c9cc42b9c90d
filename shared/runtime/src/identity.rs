//! Identity's answers and refusals on the wire: every refusal has its code here and nowhere else.

use tidings_application::error::PortError;
use tidings_application::identity::{
    Card, GetUserError, IssueTicketError, RefreshError, SignInError, SignOutError, SignUpError,
};
use tidings_domain::limits::CLOCK_SKEW_MS;
use tidings_protocol::error::{ErrorBody, ErrorCode};
use tidings_protocol::user::User;
use tidings_wire::refusal;

use crate::invocation;

/// A person's card.
pub fn user(card: Card) -> User {
    User { id: card.user.into(), username: card.username.into(), display_name: card.display_name.into() }
}

/// What a failed port is to a client. The adapter has logged the cause.
pub fn of_port(error: &PortError) -> ErrorBody {
    if error.retryable { refusal::unavailable() } else { ErrorBody::new(ErrorCode::Internal, "a fault of ours") }
}

/// Why nobody was signed up.
pub fn of_sign_up(error: &SignUpError) -> ErrorBody {
    match error {
        SignUpError::Closed => ErrorBody::new(ErrorCode::Forbidden, "this server takes no sign-ups"),
        SignUpError::FromTheFuture { now } => {
            let seconds = CLOCK_SKEW_MS / 1_000;
            let message = format!("the client id is more than {seconds} s in the future; set the clock");
            let mut error = ErrorBody::new(ErrorCode::BadRequest, message);
            error.server_time = Some(now.as_millis());
            error
        }
        SignUpError::NameTaken => ErrorBody::new(ErrorCode::Conflict, "the user name is taken"),
        SignUpError::ClientIdReused => ErrorBody::new(ErrorCode::Conflict, "this client id has another body"),
        SignUpError::Port(error) => of_port(error),
    }
}

/// Why nobody was signed in.
pub fn of_sign_in(error: &SignInError) -> ErrorBody {
    match error {
        SignInError::Refused => ErrorBody::new(ErrorCode::Unauthenticated, "wrong user name or password"),
        SignInError::Port(error) => of_port(error),
    }
}

/// Why there are no new tokens.
pub fn of_refresh(error: &RefreshError) -> ErrorBody {
    match error {
        RefreshError::Forged | RefreshError::Ended => signed_out(),
        RefreshError::Reused { claims } => {
            tracing::warn!(user = invocation::pseudonym(&claims.user.to_string()), device = %claims.device, "an old refresh token came back; session ended");
            signed_out()
        }
        RefreshError::Port(error) => of_port(error),
    }
}

/// Why there is no ticket.
pub fn of_issue_ticket(error: &IssueTicketError) -> ErrorBody {
    match error {
        IssueTicketError::Ended => signed_out(),
        IssueTicketError::Port(error) => of_port(error),
    }
}

/// Why nobody was signed out.
pub fn of_sign_out(error: &SignOutError) -> ErrorBody {
    match error {
        SignOutError::NotFound => ErrorBody::new(ErrorCode::NotFound, "no such device is signed in"),
        SignOutError::ClientIdReused => ErrorBody::new(ErrorCode::Conflict, "this client id has another body"),
        SignOutError::Port(error) => of_port(error),
    }
}

/// Why there is no card.
pub fn of_get_user(error: &GetUserError) -> ErrorBody {
    match error {
        GetUserError::NotFound => ErrorBody::new(ErrorCode::NotFound, "there is no such user"),
        GetUserError::Port(error) => of_port(error),
    }
}

fn signed_out() -> ErrorBody {
    ErrorBody::new(ErrorCode::Unauthenticated, "the session has ended; sign in again")
}
